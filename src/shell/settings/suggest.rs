//! Did you mean: the nearest of some known words.
//!
//! Invariant: a comparison takes time in proportion to the longer word, and of very many known words not all are compared,
//! because both come from documents.

/// Most letters that may differ.
const FARTHEST: usize = 3;

/// Longest word in letters that is compared; the words of documents and the names of releases are shorter.
const LONGEST: usize = 64;

/// Most words of about the same letters that are compared.
const MOST_COMPARED: usize = 500;

/// The nearest known word, if it is near enough to be a slip: at most a third of its letters differ.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let folded: Vec<char> = word.to_lowercase().chars().take(LONGEST + 1).collect();
    let beginning: String = folded.iter().collect();
    if folded.len() > LONGEST {
        return None;
    }
    let letters = letters(&folded);
    let of = |candidate: &'k str| {
        let chars: Vec<char> = candidate.to_lowercase().chars().take(LONGEST + 1).collect();
        let part = is_part(&beginning, candidate);
        let near = chars.len() <= LONGEST && (part || alike(&letters, &self::letters(&chars)));
        near.then_some((candidate, chars, part))
    };
    let measured = known.into_iter().filter_map(of).take(MOST_COMPARED).filter_map(|(candidate, chars, part)| {
        let most = if part { LONGEST } else { (chars.len().max(3) / 3).min(FARTHEST) };
        Some((distance(&folded, &chars, most)?, candidate))
    });
    measured.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// How often each letter stands in a word, letters of one remainder together.
fn letters(word: &[char]) -> [u8; 32] {
    let mut counts = [0_u8; 32];
    for c in word {
        counts[(u32::from(*c) % 32) as usize] += 1;
    }
    counts
}

/// Whether so few letters differ that the words may be near: a lower bound, in time that does not depend on the words.
fn alike(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let missing =
        |from: &[u8; 32], to: &[u8; 32]| from.iter().zip(to).map(|(a, b)| usize::from(a.saturating_sub(*b))).sum::<usize>();
    missing(one, other).max(missing(other, one)) <= FARTHEST
}

/// Letters to add, drop, change or exchange with their neighbour (optimal string alignment), if at most so many. Only cells
/// that near the diagonal are looked at.
fn distance(one: &[char], other: &[char], most: usize) -> Option<usize> {
    const FAR: usize = usize::MAX / 2;
    let row_of = |from: &dyn Fn(usize) -> usize| (0..=other.len()).map(from).collect::<Vec<usize>>();
    let (mut before, mut last) = (row_of(&|_| FAR), row_of(&|at| at));
    for row in 1..=one.len() {
        let mut current = vec![FAR; other.len() + 1];
        current[0] = row;
        for at in row.saturating_sub(most).max(1)..=row.saturating_add(most).min(other.len()) {
            let changed = last[at - 1] + usize::from(one[row - 1] != other[at - 1]);
            let mut least = changed.min(last[at] + 1).min(current[at - 1] + 1);
            if row > 1 && at > 1 && one[row - 1] == other[at - 2] && one[row - 2] == other[at - 1] {
                least = least.min(before[at - 2] + 1);
            }
            current[at] = least;
        }
        (before, last) = (last, current);
    }
    last.last().copied().filter(|distance| *distance <= most)
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
            ("pecrent", Some("percent")),
            ("weather", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        for (one, other, expected) in
            [("abc", "abc", Some(0)), ("abc", "acb", Some(1)), ("abc", "bcd", Some(2)), ("abc", "xyz", None), ("", "ab", Some(2))]
        {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(distance(&chars(one), &chars(other), 2), expected, "{one} {other}");
        }
        assert_eq!(listed(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
