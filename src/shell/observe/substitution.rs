//! `${app}`, `${version}` and `${channel}` in queries.
//!
//! Not here: regular expressions; a placeholder after `=~` stands for its text, dots included. Invariant: a value never
//! leaves the string literal it stands in, whatever a version is called.

use super::ObserveError;

/// What the placeholders stand for; `None` outside of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Substitution {
    /// The app.
    pub app: Option<String>,
    /// The new version.
    pub version: Option<String>,
    /// The channel.
    pub channel: Option<String>,
}

impl Substitution {
    fn value(&self, placeholder: &str) -> Result<&str, ObserveError> {
        let value = match placeholder {
            "app" => &self.app,
            "version" => &self.version,
            "channel" => &self.channel,
            _ => &None,
        };
        value.as_deref().ok_or_else(|| ObserveError::Placeholder(format!("${{{placeholder}}}")))
    }

    /// Fills the name of a series, as it is.
    pub fn fill_plain(&self, template: &str) -> Result<String, ObserveError> {
        self.fill(template, |_, value, _| Ok(value.to_owned()))
    }

    /// Fills PromQL. Inside quotes the value is escaped; outside only what can be part of a name is let through.
    pub(super) fn fill_promql(&self, template: &str) -> Result<String, ObserveError> {
        self.fill(template, |placeholder, value, before| {
            let is_name = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':');
            match open_quote(before) {
                Some('`') if !value.contains('`') => Ok(value.to_owned()),
                Some('"' | '\'') => Ok(escaped(value)),
                None if is_name => Ok(value.to_owned()),
                _ => Err(ObserveError::Unsafe { placeholder: format!("${{{placeholder}}}"), value: value.to_owned() }),
            }
        })
    }

    fn fill(
        &self,
        template: &str,
        write: impl Fn(&str, &str, &str) -> Result<String, ObserveError>,
    ) -> Result<String, ObserveError> {
        let (mut filled, mut at) = (String::new(), 0);
        while let Some(start) = template[at..].find("${").map(|found| at + found) {
            let Some(end) = template[start..].find('}').map(|found| start + found) else { break };
            filled.push_str(&template[at..start]);
            let placeholder = &template[start + 2..end];
            filled.push_str(&write(placeholder, self.value(placeholder)?, &template[..start])?);
            at = end + 1;
        }
        filled.push_str(&template[at..]);
        Ok(filled)
    }
}

/// Escapes of a PromQL string in double or single quotes.
fn escaped(value: &str) -> String {
    let one = |c: char| match c {
        '\\' | '"' | '\'' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    value.chars().map(one).collect::<Vec<_>>().concat()
}

/// The quote that is open at the end of a text, if one is.
fn open_quote(text: &str) -> Option<char> {
    let (mut open, mut escaped) = (None, false);
    for c in text.chars() {
        match (open, c) {
            _ if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (None, '"' | '\'' | '`') => open = Some(c),
            (Some(quote), c) if quote == c => open = None,
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Substitution {
        Substitution { version: Some(text.into()), app: Some("reader".into()), channel: None }
    }

    #[test]
    fn values_stay_inside_their_quotes() {
        let check = |template: &str, value: &str, filled: &str| {
            assert_eq!(version(value).fill_promql(template).unwrap(), filled);
        };
        check(r#"sum(x{version="${version}"})"#, "2.3.0", r#"sum(x{version="2.3.0"})"#);
        check(r#"x{v="${version}",a='${app}'}"#, r#"2"}) or vector(0) #"#, r#"x{v="2\"}) or vector(0) #",a='reader'}"#);
        check(r#"x{v="${version}"}"#, r"2\", r#"x{v="2\\"}"#);
        check("x{v='${version}'}", "2'", r"x{v='2\''}");
        check("errors_${app}_total", "1", "errors_reader_total");
        check("x{v=`${version}`}", "2.3", "x{v=`2.3`}");
        check("no placeholder ${", "1", "no placeholder ${");
    }

    #[test]
    fn what_cannot_be_filled_safely_is_refused() {
        assert!(matches!(version("2.3.0").fill_promql("errors_${version}"), Err(ObserveError::Unsafe { .. })));
        assert!(matches!(version("2`3").fill_promql("x{v=`${version}`}"), Err(ObserveError::Unsafe { .. })));
        assert!(matches!(version("2").fill_promql("${other}"), Err(ObserveError::Placeholder(_))));
        assert!(matches!(version("2").fill_plain("errors.${channel}"), Err(ObserveError::Placeholder(_))));
        assert_eq!(version("2.3.0-rc.1").fill_plain("errors.${version}").unwrap(), "errors.2.3.0-rc.1");
    }
}
