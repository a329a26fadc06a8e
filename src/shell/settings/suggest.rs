//! Did you mean: the nearest of some known words.

/// The nearest known word, if it is near enough to be a slip: at most a third of its letters differ.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let folded = word.to_ascii_lowercase();
    let letters = folded.chars().count();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&folded, &candidate.to_ascii_lowercase());
    // Hostile words may be long; the distance is quadratic, and nothing near them is known.
    if word.len() > LONGEST {
        return None;
    }
    known
        .into_iter()
        .take(MOST_COMPARED)
        .filter(|candidate| candidate.len() <= LONGEST)
        .filter(|candidate| candidate.chars().count().abs_diff(letters) <= 3 || is_part(&folded, candidate))
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(3) / 3).min(3) || is_part(&folded, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `coverage_min` for `coverage`, `client` for `clients`: one begins the other.
fn is_part(folded: &str, candidate: &str) -> bool {
    let candidate = candidate.to_ascii_lowercase();
    folded.len().min(candidate.len()) >= 4 && (candidate.starts_with(folded) || folded.starts_with(&candidate))
}

/// `did you mean "x"?`, or the list of what there is.
pub fn help<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("there is {}", listed(&known)),
    }
}

/// Longest word in bytes that is compared: the comparison is quadratic in it.
const LONGEST: usize = 100;

/// Most known names that are compared; a folder may name a hundred thousand, and findings are many.
const MOST_COMPARED: usize = 1_000;

/// Most words a list shows; a folder may hold thousands of names.
const MOST_LISTED: usize = 20;

/// `a, b and c`.
pub fn listed(words: &[&str]) -> String {
    let shown: Vec<String> = words.iter().take(MOST_LISTED).map(|word| format!("`{word}`")).collect();
    match (shown.split_last(), words.len() > MOST_LISTED) {
        (None, _) => String::new(),
        (Some(_), true) => format!("{} and {} more", shown.join(", "), words.len() - MOST_LISTED),
        (Some((last, [])), false) => last.clone(),
        (Some((last, rest)), false) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["percent", "channel", "channels", "except_channels", "app", "at"];
        for (word, expected) in [
            ("percnt", Some("percent")),
            ("Percent", Some("percent")),
            ("chanels", Some("channels")),
            ("ap", Some("app")),
            ("percentage", Some("percent")),
            ("weather", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        assert_eq!(listed(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
