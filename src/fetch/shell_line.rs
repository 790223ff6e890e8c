//! Words of a shell's line (bash, zsh): what is quoted stands for itself, whatever it is.

use crate::os::printable;

/// A word that is put together from texts and variables.
#[derive(Debug, Default)]
pub(super) struct Word {
    /// What is quoted already.
    done: String,
    /// What is not.
    text: String,
}

impl Word {
    /// One that is a text.
    pub(super) fn of(text: &str) -> Result<String, String> {
        let mut word = Word::default();
        word.text(text)?;
        Ok(word.quoted())
    }

    /// Appends a text.
    ///
    /// # Errors
    /// It holds U+0000, which no command can be told.
    pub(super) fn text(&mut self, text: &str) -> Result<(), String> {
        if text.contains('\0') {
            return Err("it holds the character U+0000, which no command can be told".to_owned());
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Appends what a variable holds.
    pub(super) fn variable(&mut self, name: &str) {
        self.close();
        self.done.push_str(&format!("\"${name}\""));
    }

    /// Appends what jq makes of what a variable holds.
    pub(super) fn encoded(&mut self, name: &str, filter: &str) {
        self.close();
        self.done.push_str(&format!("\"$(printf %s \"${name}\" | jq -sRr '{filter}')\""));
    }

    /// The word.
    pub(super) fn quoted(mut self) -> String {
        self.close();
        if self.done.is_empty() { "''".to_owned() } else { self.done }
    }

    fn close(&mut self) {
        if !self.text.is_empty() {
            self.done.push_str(&quoted(&std::mem::take(&mut self.text)));
        }
    }
}

/// A text in quotes; one with characters that would break the line, steer a terminal or not be seen with escapes for them.
fn quoted(text: &str) -> String {
    let is_plain =
        |letter: char| letter >= ' ' && printable(letter.encode_utf8(&mut [0; 4])) == letter.to_string();
    if text.chars().all(is_plain) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut out = "$'".to_owned();
    for letter in text.chars() {
        match letter {
            '\n' => out.push_str(r"\n"),
            '\t' => out.push_str(r"\t"),
            '\\' => out.push_str(r"\\"),
            // An interactive bash looks for its history behind it.
            '\'' | '!' => out.push_str(&format!("\\x{:02x}", u32::from(letter))),
            letter if is_plain(letter) => out.push(letter),
            // Byte by byte: what `\u` gives depends on the locale.
            letter => letter
                .encode_utf8(&mut [0; 4])
                .bytes()
                .for_each(|byte| out.push_str(&format!("\\x{byte:02x}"))),
        }
    }
    out + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_reads_back_what_was_quoted() {
        let control: String = (1..=0x9f_u8).map(char::from).collect();
        let texts = [
            "",
            "plain",
            "it's",
            "$HOME `id` \\ \"!x\"",
            "a\nb\\n'!\t",
            "\u{202e}ü\u{1b}[31m電",
            "@file",
            "\n",
            &control,
        ];
        for text in texts {
            let word = Word::of(text).unwrap();
            assert!(!word.contains('\n') && printable(&word) == word, "{word}");
            let script = format!("printf %s {word}");
            let said = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), text, "{word}");
        }
        assert!(Word::of("a\0b").is_err());
    }

    #[test]
    fn variables_stand_between_texts() {
        let mut word = Word::default();
        word.text("Bearer ").unwrap();
        word.variable("KEY");
        word.text("'").unwrap();
        assert_eq!(word.quoted(), r#"'Bearer '"$KEY"''\'''"#);
    }
}
