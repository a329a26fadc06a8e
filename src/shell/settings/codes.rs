//! The one table of finding codes: what each means, and what to do about it. `tminus explain CODE` prints from here.
//!
//! Codes are stable: one is never given another meaning. A test asks for a fixture of each.

/// A code with its explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Code {
    /// Such as `TM0103`.
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it means and what to do, whole sentences.
    pub text: &'static str,
}

/// The explanation of a code; case does not matter.
pub fn explain(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code.eq_ignore_ascii_case(code))
}

/// TM01..: files, syntax, shapes and values; TM02..: rules within a document; TM03..: rules among documents;
/// TM04..: changes that a running daemon refuses.
pub const CODES: &[Code] = &[
    Code {
        code: "TM0101",
        title: "file cannot be read",
        text: "The file or folder does not exist, may not be read by this user, is larger than 4 MiB, is a pipe or a device, or is not UTF-8. Nothing of it was checked; the other files were. Check the path and its permissions, and save the file as UTF-8.",
    },
    Code {
        code: "TM0102",
        title: "not YAML",
        text: "The text breaks the rules of YAML at this place, so this document could not be read; documents before and after it, separated by `---`, were. The usual causes: a tab in the indentation (use spaces), a missing colon or a missing space after it, a bracket or quote that is not closed, an item that is indented differently from its neighbours, a text with `: ` or ` #` in it that needs quotes.",
    },
    Code {
        code: "TM0103",
        title: "unknown key",
        text: "No document of this kind has such a key here, most often because it is misspelt or indented one level too deep or too little. tminus refuses unknown keys instead of ignoring them: a misspelt `percent` that is silently dropped would serve everybody. `tminus schema KIND` lists all keys with their meaning.",
    },
    Code {
        code: "TM0104",
        title: "missing key",
        text: "The mapping lacks a key that has no default. The place is that of the mapping. `tminus schema KIND` describes the key.",
    },
    Code {
        code: "TM0105",
        title: "duplicate key",
        text: "The same key stands twice in one mapping, so one of the two values would be lost without a word. Keep one. Query names are compared without regard to case.",
    },
    Code {
        code: "TM0106",
        title: "wrong type",
        text: "A number, a text, a list or a mapping was expected, and something else is written. A quoted value is always a text: numbers and true or false stand without quotes. A list is written `[a, b]` or with one `- ` per line.",
    },
    Code {
        code: "TM0107",
        title: "unknown word",
        text: "The key takes one of a few words, and this is none of them. The help lists them.",
    },
    Code {
        code: "TM0108",
        title: "null is not allowed here",
        text: "`null`, `~` or nothing after the colon means \"without\", and this key cannot do without a value. Leave the key out to get its default, or give it a value. A text that reads null needs quotes.",
    },
    Code {
        code: "TM0109",
        title: "unknown kind of document",
        text: "Every document says `apiVersion: tminus/v1`, a `kind` that this version knows, and a `name`. Without them tminus cannot tell what the document is, and nothing in it was checked. `tminus schema` lists the kinds.",
    },
    Code {
        code: "TM0110",
        title: "not in this version",
        text: "The word is reserved for a later version of tminus. It is refused, or, where it is a warning, not acted on, so that nobody relies on a protection that is not there. The help names what this version has instead.",
    },
    Code {
        code: "TM0111",
        title: "too large",
        text: "The document is nested too deeply, holds too many or too long values once its aliases are resolved, or there are too many files, documents or findings in one run. The message names the limit. The limits are far beyond anything written for people; they stop files that would use up the memory. Split the document, write values out instead of building aliases upon aliases, and name the folders that hold documents.",
    },
    Code {
        code: "TM0112",
        title: "exactly one of several keys",
        text: "These keys exclude each other and one of them is needed: an item has either a `sign_off` or a `check`, a metrics source is one system, a webhook has a `url` or a `url_env`. The help lists them.",
    },
    Code {
        code: "TM0113",
        title: "tags and merge keys are not read",
        text: "What a value is follows from its key alone, so tags such as `!!int`, `!!binary` or `!!python/object` would say nothing or something else; only `!!str` is read, and says what quotes say. Merge keys (`<<`) belong to YAML 1.1 and were never part of 1.2. Both are refused instead of being ignored. Anchors and aliases (`&a`, `*a`) are read.",
    },
    Code {
        code: "TM0114",
        title: "hidden or control character",
        text: "The text holds a character that nobody sees and that changes what is seen or read: a control character, a zero-width space, one that turns the direction of the text, a byte order mark inside the file, or a carriage return alone at the end of a line. A reviewer would approve another text than the one in force. Delete it; where it is meant write it as an escape in double quotes, such as \"\\u200b\".",
    },
    Code {
        code: "TM0115",
        title: "link leads out of the folder",
        text: "Below a folder that is checked, symbolic links are followed as long as they stay in that folder. One that leads elsewhere is refused, so that a checkout cannot make the machine that checks it print its own files. Copy the file into the folder, or name it beside the folder: a path that is named itself is read wherever it leads.",
    },
    Code {
        code: "TM0116",
        title: "file without a document",
        text: "The file is empty, or holds comments and separators alone. Nothing is wrong with that, but a document that was lost in writing looks the same, so it is a warning. Write the document, or remove the file.",
    },
    Code {
        code: "TM0121",
        title: "not a percent",
        text: "A percent is a number from 0 to 100 with up to four decimals, without quotes, sign or exponent. It is never a fraction: 12.5 is one in eight, and 0.1 is one in a thousand, not a tenth.",
    },
    Code {
        code: "TM0122",
        title: "not a duration",
        text: "A duration is a number and one unit: `90s`, `20m`, `6h`, `3d`, `2.5s`. A number without a unit is refused, because nobody agrees on what it means. It is at most a hundred years.",
    },
    Code {
        code: "TM0123",
        title: "not an instant",
        text: "An instant is a date, a time and an offset in the form of RFC 3339, and better with the zone in brackets (RFC 9557): `2026-12-01T11:00:00-08:00[America/Los_Angeles]`. If the offset is not the one of that zone on that day, the two contradict each other and tminus will not guess which was meant.",
    },
    Code {
        code: "TM0124",
        title: "not a time relative to the launch",
        text: "Times relative to T-0 are `T-2h` (before) and `T+30m` (after), with one of the units s, m, h, d.",
    },
    Code {
        code: "TM0125",
        title: "not a count or rate",
        text: "A count is a whole number, possibly with k (thousand) or M (million): `180k`. A rate is a number and a period: `45/s`, `1200/m`, `9k/h`.",
    },
    Code {
        code: "TM0126",
        title: "not a version or version rule",
        text: "A version is text without white space, comma, `*`, `<`, `>` and `=`. A version rule is a version, a comma list of versions, bounds such as `>=2.0 <2.3`, or a beginning with a star at its end, such as `3.6.*`.",
    },
    Code {
        code: "TM0127",
        title: "not a name or text",
        text: "A name has 1 to 200 bytes, no control characters and no white space at its ends. A text or path is at least one character.",
    },
    Code {
        code: "TM0128",
        title: "not a URL or address",
        text: "A URL begins with `http://` or `https://`, a node's address is `HOST:PORT`, an address to listen on is `IP:PORT`.",
    },
    Code {
        code: "TM0129",
        title: "not a time zone or schedule",
        text: "A time zone is a name of the IANA database such as `America/Los_Angeles`. A schedule has the five fields of crontab (minute, hour, day of month, month, weekday) or is a word such as `@daily`; `tminus cron explain` says what a line means.",
    },
    Code {
        code: "TM0130",
        title: "out of range",
        text: "The number is too small or too large, or the list has too few entries or too many. The message names the limit.",
    },
    Code {
        code: "TM0131",
        title: "not a SHA-256",
        text: "Tokens are kept as SHA-256 in 64 hexadecimal digits, never in the clear: `printf %s \"$TOKEN\" | sha256sum`.",
    },
    Code {
        code: "TM0201",
        title: "rollout steps do not lead to everybody",
        text: "The percents of the steps rise and the last is 100; `bake` belongs to the last step alone. With other steps a launch would go backwards, or never end.",
    },
    Code {
        code: "TM0202",
        title: "gate thresholds contradict each other",
        text: "`alpha` and `beta` lie between 0 and 1, `tolerance` is at least 1 and below `regression`, `cap` is above 1, `max_gap` is not longer than `deadline`. With other numbers the gate would abort healthy launches, or certify bad ones.",
    },
    Code {
        code: "TM0203",
        title: "gate without baseline and slo",
        text: "A metric without a baseline is judged by the `slo` alone. With neither there is nothing to compare with, and no step could ever be SAFE.",
    },
    Code {
        code: "TM0204",
        title: "limits contradict each other",
        text: "A floor is not above its ceiling, a ceiling not above the quota or above what the group itself allows, fewer zones may be lost than there are, and a limit on cost needs a price.",
    },
    Code {
        code: "TM0205",
        title: "the same id twice",
        text: "Items, metrics, nodes, people and senders are told apart by name, without regard to case. Two of one name could not be told apart in a sign-off or a report.",
    },
    Code {
        code: "TM0206",
        title: "query does not fit its source",
        text: "A Prometheus source takes `promql`; files and pushed counts take `series`; CloudWatch takes `namespace`, `metric`, `statistic` and `dimensions`, with a statistic that it has (`Sum`, `Average`, `p95`) and at most 30 dimensions. A gate needs counts (`Sum` or `SampleCount`) and a period that CloudWatch has, and alarms are of a source with `cloudwatch` alone. A query that is written wholly for another system is a warning: it is never answered, and what needs it stays on HOLD.",
    },
    Code {
        code: "TM0207",
        title: "listens beyond this machine",
        text: "This version listens on loopback addresses alone. For others on the network put a proxy with TLS in front.",
    },
    Code {
        code: "TM0208",
        title: "audience contradicts itself",
        text: "Primed caches answer at least as much as cold ones, and a curve of adoption is a readable CSV file whose times and percents rise. The surge is computed from these numbers.",
    },
    Code {
        code: "TM0209",
        title: "time on the wrong side of T-0",
        text: "Early channels are served before T-0 (`T-2d`), checklist items are due before or at T-0, and caches must stay fresh beyond it (`T+2h`).",
    },
    Code {
        code: "TM0210",
        title: "check without a bound",
        text: "A metric check needs `below`, `above` or both; with both, `above` is the smaller number. Otherwise it is always green, or never.",
    },
    Code {
        code: "TM0220",
        title: "schedule that never fires",
        text: "No year has such a day: 30 February, or 31 April. `tminus cron explain` says when a line is due.",
    },
    Code {
        code: "TM0301",
        title: "name refers to nothing",
        text: "No document of that kind, or no query, has this name. References are checked as soon as a release or any document of the wanted kind is among the files given; a policy that is checked alone may refer to what stands elsewhere. Give all files of a launch to one `tminus check`.",
    },
    Code {
        code: "TM0302",
        title: "name is taken",
        text: "Two documents of one kind, or two queries, have the same name without regard to case, so a reference to it could mean either. Both places are named. Rename one.",
    },
    Code {
        code: "TM0303",
        title: "equally specific throttle rules",
        text: "Two rules match one and the same request and neither is more specific: app, then version (exact beats list beats range beats trailing star), then channel. Which percent is meant would be chance, so both are refused. Make one narrower, or merge them.",
    },
    Code {
        code: "TM0304",
        title: "more than one global throttle",
        text: "Two throttle policies have a `global` layer, and only one can be in force. Keep one.",
    },
    Code {
        code: "TM0305",
        title: "release cannot use this document",
        text: "A gate policy that a release uses needs at least one metric; two checklists of one release must not have an item of the same id.",
    },
    Code {
        code: "TM0306",
        title: "gate cannot decide within its dwell",
        text: "A step's `dwell` is shorter than what its gate needs at the least to be SAFE, so the step lasts longer than it is written. Either the first period of counts is not complete by then (a `period` and its `lag` have to pass), or the audience is not expected to send as many requests by then as a release without a single failure takes to be certified. The figures are those of the gate's own rule; a release with failures takes longer. Lengthen the dwell, begin with a larger percent, or shorten `period` and `lag`. A dwell of 0s leaves it to the gate and has no warning.",
    },
    Code {
        code: "TM0401",
        title: "the release is under way",
        text: "A running daemon refuses this change. Once a release is launched, its app, its version and which versions may take it stay as they are, and no channel is added: clients would be offered what no gate has seen, on the evidence of something else. Channels may be taken out, and steps may be changed; a step that is raised waits for SAFE. Make another Release document for what is new, or abort and remove this one first.",
    },
    Code {
        code: "TM0402",
        title: "the settings are gone",
        text: "A running daemon was started with a Settings document that is not in its file any more. Without it nobody would need a token, so the settings stay as they were. Put the document back; to run without one, start the daemon without --config.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(CODES.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert_eq!(explain("tm0103").map(|code| code.title), Some("unknown key"));
        assert_eq!(explain("TM9999"), None);
    }
}
