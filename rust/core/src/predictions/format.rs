//! Turns the year of a release into the form that its competition takes submissions in.
//!
//! The years differ in the letters of the header and in how many labels an image has (the pages of
//! 2017, 2018, 2019 and 2021 in `visipedia/inat_comp`).

/// The form of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// The year.
    pub release: &'static str,
    /// The first line of the file.
    pub header: &'static str,
    /// Labels in a row.
    pub k: usize,
}

/// The form of every release.
pub const FORMATS: [Format; 4] = [
    Format {
        release: "2017",
        header: "id,predicted",
        k: 5,
    },
    Format {
        release: "2018",
        header: "id,predicted",
        k: 3,
    },
    Format {
        release: "2019",
        header: "id,predicted",
        k: 1,
    },
    Format {
        release: "2021",
        header: "Id,Predicted",
        k: 5,
    },
];

/// What is wrong with a first line that is not `expected`, and what to do about it.
pub(super) fn header_fault(expected: &str, found: &str) -> String {
    let years: Vec<_> = FORMATS
        .iter()
        .filter(|format| format.header == found)
        .map(|format| format.release)
        .collect();
    let bare = |text: &str| {
        text.to_lowercase()
            .replace(char::is_whitespace, "")
            .replace(';', ",")
    };
    let hint = if found.is_empty() {
        format!("; begin the file with `{expected}`")
    } else if !years.is_empty() {
        let years = years.join(", ");
        format!(", the header of {years}; name that release, or write `{expected}`")
    } else if bare(found) == bare(expected) {
        format!(
            "; write exactly `{expected}`: a comma, no space, small and capital letters as here"
        )
    } else if bare(&found.replace('\t', ",")) == bare(expected) {
        "; separate the two words with a comma, not with a tab".to_owned()
    } else if found.starts_with(|c: char| c.is_ascii_digit()) {
        format!("; the header is missing: begin the file with `{expected}`")
    } else {
        String::new()
    };
    format!(
        "expected the header `{expected}`, found `{}`{hint}",
        shown(found)
    )
}

/// A text of the file as a message quotes it: not longer than 60 characters.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_header_says_what_to_do() {
        for (found, hint) in [
            ("Id,Predicted", "the header of 2021; name that release"),
            ("ID,predicted", "small and capital letters"),
            ("id, predicted", "no space"),
            ("id;predicted", "a comma"),
            ("id\tpredicted", "not with a tab"),
            ("12,1 2 3 4 5", "the header is missing"),
            ("", "begin the file with"),
            ("image,label", "found `image,label`"),
        ] {
            let fault = header_fault("id,predicted", found);
            assert!(fault.contains(hint), "{fault}");
        }
        let fault = header_fault("Id,Predicted", "id,predicted");
        assert!(fault.contains("the header of 2017, 2018, 2019"), "{fault}");
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(shown(&"é".repeat(61)), format!("{}...", "é".repeat(60)));
        assert_eq!(shown("short"), "short");
    }
}
