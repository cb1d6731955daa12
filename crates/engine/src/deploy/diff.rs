//! The difference of two texts, line by line.

/// Longer texts are not compared: the tables would grow too large.
const LONGEST: usize = 4_000;

/// Lines that begin with a blank (in both), `-` (only in the old) or `+` (only in the new); none if the texts are equal.
pub fn lines(old: &str, new: &str) -> Vec<String> {
    if old == new {
        return Vec::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[same_start..], &new[same_start..]);
    let mut out: Vec<String> = old[..same_start]
        .iter()
        .map(|line| format!(" {line}"))
        .collect();
    if old_rest.len() > LONGEST || new_rest.len() > LONGEST {
        out.extend(old_rest.iter().map(|line| format!("-{line}")));
        out.extend(new_rest.iter().map(|line| format!("+{line}")));
        return out;
    }
    compare(old_rest, new_rest, &mut out);
    out
}

/// By the longest common subsequence.
fn compare(old: &[&str], new: &[&str], out: &mut Vec<String>) {
    let width = new.len() + 1;
    let mut common = vec![0_u16; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a * width + b] = if old[a] == new[b] {
                common[(a + 1) * width + b + 1] + 1
            } else {
                common[(a + 1) * width + b].max(common[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            out.push(format!(" {}", old[a]));
            (a, b) = (a + 1, b + 1);
        } else if b == new.len()
            || (a < old.len() && common[(a + 1) * width + b] >= common[a * width + b + 1])
        {
            out.push(format!("-{}", old[a]));
            a += 1;
        } else {
            out.push(format!("+{}", new[b]));
            b += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_marked() {
        assert_eq!(lines("a\nb\n", "a\nb\n"), Vec::<String>::new());
        assert_eq!(
            lines("a\nb\nc", "a\nx\nc\nd"),
            [" a", "-b", "+x", " c", "+d"]
        );
        assert_eq!(lines("", "a"), ["+a"]);
        assert_eq!(lines("a\nb", "b"), ["-a", " b"]);
    }
}
