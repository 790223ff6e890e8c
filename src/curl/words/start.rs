//! Where a command begins in what was pasted.
//!
//! Promises: what is passed is none of the command: fences of Markdown, comments, prompts.

use super::marks::{is_blank, is_invisible};

/// Words before a command that change nothing about what it asks.
const WRAPPERS: [&str; 5] = ["sudo", "time", "command", "exec", "nohup"];

/// Characters that prompts end with.
const PROMPTS: [char; 6] = ['$', '>', '%', '#', '❯', '➜'];

/// The text from its first command on.
pub fn command(text: &str) -> &str {
    let mut text = without_fence(trimmed(text));
    loop {
        let line = text.lines().next().unwrap_or("");
        let is_comment = line.starts_with("# ") && !line[2..].trim_start().starts_with("curl");
        if !(is_comment || line.starts_with("#!") || line.starts_with("::") || line.starts_with("REM ")) {
            break;
        }
        text = trimmed(&text[line.len()..]);
    }
    without_wrappers(without_prompt(text))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

/// What stands between the fences of a block of Markdown.
fn without_fence(text: &str) -> &str {
    let fences = if text.starts_with("```") { "```" } else { "~~~" };
    let Some((_, inside)) = text.strip_prefix(fences).and_then(|rest| rest.split_once('\n')) else {
        let single = text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        return single.filter(|inside| !inside.contains('`')).unwrap_or(text);
    };
    trimmed(inside.split_once(&format!("\n{fences}")).map_or(inside, |(inside, _)| inside))
}

/// The text behind a prompt, such as `$ `, `me@here:~$ ` or `C:\Users\me>`.
fn without_prompt(text: &str) -> &str {
    let line = text.lines().next().unwrap_or("");
    let Some(at) = line.find("curl") else { return text };
    let before = line[..at].trim_end_matches(is_blank);
    let is_prompt = before.ends_with(PROMPTS) && !before.contains(['\'', '"', '=', '|', ';']);
    if is_prompt { &text[at..] } else { text }
}

fn without_wrappers(mut text: &str) -> &str {
    while let Some((word, rest)) = text.split_once(is_blank) {
        if !WRAPPERS.contains(&word) {
            break;
        }
        text = rest.trim_start_matches(is_blank);
    }
    text.strip_prefix('\\').filter(|rest| rest.starts_with("curl")).unwrap_or(text)
}
