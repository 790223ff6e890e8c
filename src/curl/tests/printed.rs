//! Commands that came through a terminal, a web page or a word processor.

use super::parsed;

/// What all of them mean.
const MEANT: &str = "curl -X POST -H 'A: b' --data 'c=d' https://example.com/x";

#[test]
fn what_was_meant_is_read() {
    for written in [
        "$ curl -X POST -H 'A: b' --data 'c=d' https://example.com/x",
        "me@host:~/x$ curl -X POST -H 'A: b' --data 'c=d' https://example.com/x",
        "# curl -X POST -H 'A: b' --data 'c=d' https://example.com/x",
        "PS C:\\> curl -X POST -H 'A: b' --data 'c=d' https://example.com/x",
        "$ curl -X POST \\\n> -H 'A: b' \\\n> --data 'c=d' \\\n> https://example.com/x",
        "# Makes an x\n\ncurl -X POST -H 'A: b' --data 'c=d' https://example.com/x",
        "```bash\ncurl -X POST -H 'A: b' --data 'c=d' https://example.com/x\n```",
        "`curl -X POST -H 'A: b' --data 'c=d' https://example.com/x`",
        "sudo curl -X POST -H 'A: b' --data 'c=d' https://example.com/x",
        "\\curl -X POST -H 'A: b' --data 'c=d' https://example.com/x",
        "curl –X POST –H “A: b” —data ‘c=d’ https://example.com/x",
        "curl −X POST −−header “A: b\" ––data 'c=d' https://example.com/x",
        "curl –XPOST -H “A: b” –data “c=d” \\\n https://example.com/x",
        "curl\u{a0}-X\u{a0}POST -H\u{202f}'A: b' --data 'c=d' \u{200b}https://example.com/x\u{feff}",
        "\u{feff}curl -X POST -H 'A:\u{a0}b' --data 'c=d' 'https://example.com/\u{200b}x'",
        "curl -X POST \\ \n -H 'A: b' \\\t\n --data 'c=d' https://example.com/x",
        "curl -X POST \\\n  # the header\n  -H 'A: b' \\\n  --data 'c=d' https://example.com/x",
        "curl -X POST\n  -H 'A: b'\n  --data 'c=d'\n  https://example.com/x",
        "curl -X POST \\\r\n -H 'A: b' \\\r\n --data 'c=d' https://example.com/x\r\n",
        "curl -X POST -H 'A: b' --data 'c=d' https://example.com/x \\",
        "curl.exe -X POST -H \"A: b\" --data \"c=d\" https://example.com/x",
        "curl -X POST `\n -H \"A: b\" `\n --data 'c=d' https://example.com/x",
    ] {
        assert_eq!(parsed(written), parsed(MEANT), "{written}");
    }
}

#[test]
fn quotation_marks_within_quotes_are_text() {
    assert_eq!(parsed("curl -d 'Ain’t “it” – so' h").body.as_deref(), Some("Ain’t “it” – so"));
    assert_eq!(parsed("curl -d ‘don’t’ h").body.as_deref(), Some("don’t"));
    assert_eq!(parsed("curl -d '👩\u{200d}👧' h").body.as_deref(), Some("👩\u{200d}👧"));
}

#[test]
fn marks_of_windows_within_single_quotes_make_no_other_shell() {
    for body in ["a^\nb", "^%^", "a ^\"b^\"", "x `\ny", "$env:X", "{\"\"a"] {
        assert_eq!(parsed(&format!("curl -d '{body}' https://example.com")).body.as_deref(), Some(body));
    }
    assert_eq!(parsed("curl -d \"^[a-z]+$\" https://example.com").body.as_deref(), Some("^[a-z]+$"));
}
