//! Two texts line by line: what is the same, what is missing (`-`) and what came instead (`+`).

/// The lines of a difference; `None` when there is none.
pub(super) fn difference(expected: &[String], actual: &[String]) -> Option<Vec<String>> {
    if expected == actual {
        return None;
    }
    let common = longest_common(expected, actual);
    let (mut one, mut other, mut lines) = (0, 0, Vec::new());
    for (left, right) in common.into_iter().chain([(expected.len(), actual.len())]) {
        lines.extend(expected[one..left].iter().map(|line| format!("- {line}")));
        lines.extend(actual[other..right].iter().map(|line| format!("+ {line}")));
        lines.extend(expected.get(left).map(|line| format!("  {line}")));
        (one, other) = (left + 1, right + 1);
    }
    Some(lines)
}

/// Positions of a longest common subsequence; outputs are short, so the plain table will do.
fn longest_common(one: &[String], other: &[String]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0_u32; other.len() + 1]; one.len() + 1];
    for left in (0..one.len()).rev() {
        for right in (0..other.len()).rev() {
            lengths[left][right] = if one[left] == other[right] {
                lengths[left + 1][right + 1] + 1
            } else {
                lengths[left + 1][right].max(lengths[left][right + 1])
            };
        }
    }
    let (mut left, mut right, mut common) = (0, 0, Vec::new());
    while left < one.len() && right < other.len() {
        if one[left] == other[right] {
            common.push((left, right));
            (left, right) = (left + 1, right + 1);
        } else if lengths[left + 1][right] >= lengths[left][right + 1] {
            left += 1;
        } else {
            right += 1;
        }
    }
    common
}

#[test]
fn a_difference_keeps_what_is_the_same() {
    let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(difference(&lines("a b"), &lines("a b")), None);
    assert_eq!(difference(&lines("a b c"), &lines("a x c d")).unwrap(), ["  a", "- b", "+ x", "  c", "+ d"]);
}
