//! Digits that can be read from the back of a room: five rows of blocks.

/// How high a digit is.
pub(super) const ROWS: usize = 5;

/// Each row of each sign, `#` where there is ink.
const SIGNS: [(char, [&str; ROWS]); 13] = [
    ('0', ["#####", "#   #", "#   #", "#   #", "#####"]),
    ('1', ["  #  ", " ##  ", "  #  ", "  #  ", " ### "]),
    ('2', ["#####", "    #", "#####", "#    ", "#####"]),
    ('3', ["#####", "    #", " ####", "    #", "#####"]),
    ('4', ["#   #", "#   #", "#####", "    #", "    #"]),
    ('5', ["#####", "#    ", "#####", "    #", "#####"]),
    ('6', ["#####", "#    ", "#####", "#   #", "#####"]),
    ('7', ["#####", "    #", "   # ", "  #  ", "  #  "]),
    ('8', ["#####", "#   #", "#####", "#   #", "#####"]),
    ('9', ["#####", "#   #", "#####", "    #", "#####"]),
    ('.', ["  ", "  ", "  ", "  ", "# "]),
    ('/', ["    #", "   # ", "  #  ", " #   ", "#    "]),
    ('-', ["     ", "     ", "#####", "     ", "     "]),
];

/// A number as rows of blocks; what is no digit is left out.
pub(super) fn rows(text: &str) -> Vec<String> {
    (0..ROWS)
        .map(|row| {
            let signs = text.chars().filter_map(|letter| {
                let sign = SIGNS.iter().find(|(known, _)| *known == letter);
                sign.map(|(_, rows)| rows[row])
            });
            let line: Vec<&str> = signs.collect();
            line.join(" ").replace('#', "█")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_as_wide_in_each_row_and_no_two_look_alike() {
        let mut seen = Vec::new();
        for (letter, sign) in SIGNS {
            let widths = sign.map(str::len);
            assert!(widths.iter().all(|width| *width == widths[0]), "{letter}");
            assert!(!seen.contains(&sign), "{letter}");
            seen.push(sign);
        }
        assert_eq!(rows("17.2").len(), ROWS);
        assert_eq!(rows("17.2")[0], "  █   █████    █████");
        assert_eq!(rows("x"), vec![String::new(); ROWS]);
    }
}
