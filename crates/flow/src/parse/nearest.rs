//! "Did you mean …": the nearest of some words.

/// The word that somebody most likely meant, if any is near.
pub(super) fn nearest<'w>(
    written: &str,
    words: impl IntoIterator<Item = &'w str>,
) -> Option<&'w str> {
    let written: Vec<char> = written
        .chars()
        .take(64)
        .flat_map(char::to_lowercase)
        .collect();
    let allowed = (written.len() / 3).clamp(1, 3);
    words
        .into_iter()
        .map(|word| {
            (
                distance(
                    &written,
                    &word.to_lowercase().chars().take(64).collect::<Vec<_>>(),
                ),
                word,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Changes from one word to the other: a letter more, less, other, or two swapped.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let other = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + other);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let words = ["catch", "call", "switch", "exceptWhen"];
        for (written, expected) in [
            ("catchh", Some("catch")),
            ("cacth", Some("catch")),
            ("Switch", Some("switch")),
            ("exceptwhen", Some("exceptWhen")),
            ("cal", Some("call")),
            ("wibble", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, words), expected, "{written}");
        }
    }
}
