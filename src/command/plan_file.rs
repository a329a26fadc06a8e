//! A saved plan: what `plan --out` writes and `apply` carries out.
//!
//! Invariant: a plan of a newer tminus, or one whose digest is not its own, is refused before anybody is asked.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::terminal::plain;
use crate::core::decide::PlanView;

/// The shape of the file; a reader of the next one reads this one.
const VERSION: u32 = 1;
const KIND: &str = "Plan";
const API: &str = "tminus/v1";

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanFile {
    api_version: String,
    kind: String,
    version: u32,
    /// The plan as it was printed.
    pub plan: PlanView,
}

/// What tells a saved plan from documents.
#[derive(Deserialize)]
struct Head {
    kind: String,
    version: u32,
}

impl PlanFile {
    /// Writes a plan.
    pub fn write(path: &Path, plan: &PlanView) -> Result<(), String> {
        let file = Self { api_version: API.into(), kind: KIND.into(), version: VERSION, plan: plan.clone() };
        let text = serde_json::to_string_pretty(&file).map_err(|error| error.to_string())?;
        std::fs::write(path, text + "\n").map_err(|error| format!("{}: {error}; the plan was not saved", path.display()))
    }

    /// Reads a plan; `None`: the text is something else, such as documents.
    pub fn read(text: &str) -> Option<Result<Self, String>> {
        let head: Head = serde_json::from_str(text).ok()?;
        if head.kind != KIND {
            return None;
        }
        if head.version != VERSION {
            let version = head.version;
            return Some(Err(format!(
                "it is a plan of version {version}, and this tminus carries out version {VERSION}; nothing was done"
            )));
        }
        let read = serde_json::from_str::<Self>(text)
            .map_err(|error| format!("it is a plan that cannot be read: {error}; nothing was done"));
        Some(read.and_then(Self::unaltered))
    }

    fn unaltered(self) -> Result<Self, String> {
        let release = plain(self.plan.release.as_str());
        if self.plan.made_from.digest() == self.plan.digest {
            return Ok(self);
        }
        Err(format!(
            "the plan of {release} was changed after it was saved; nothing was done, make it anew with `tminus plan {release} --out FILE`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_no_plans_and_odd_plans_are_refused() {
        for text in ["kind: Release\nname: r\n", "{\"kind\": \"Release\", \"version\": 1}", "", "[]"] {
            assert!(PlanFile::read(text).is_none(), "{text}");
        }
        for (text, expected) in
            [(r#"{"kind": "Plan", "version": 9}"#, "version 9"), (r#"{"kind": "Plan", "version": 1}"#, "cannot be read")]
        {
            let told = PlanFile::read(text).unwrap().unwrap_err();
            assert!(told.contains(expected) && told.contains("nothing was done"), "{told}");
        }
    }
}
