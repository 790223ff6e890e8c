//! What is told of a command beside its request.

use std::path::PathBuf;
use std::time::Duration;

use super::{parse, parsed};

#[test]
fn options_that_have_a_key_are_read() {
    let command = parsed(
        "curl -Lk --compressed --max-redirs 3 -x proxy.example.com -U 'me:p@ss' --cacert ca.pem -E me.pem --key me.key \
         -m 1.5 --connect-timeout 2 --retry 4 --max-filesize 2M https://example.com",
    );
    assert!(command.follows_redirects && command.insecure && command.compressed);
    assert_eq!(command.max_redirects, Some(3));
    assert_eq!(command.proxy.as_deref(), Some("http://me:p%40ss@proxy.example.com:1080"));
    assert_eq!(command.ca_file, Some(PathBuf::from("ca.pem")));
    assert_eq!(command.client_certificate_file, Some(PathBuf::from("me.pem")));
    assert_eq!(command.client_key_file, Some(PathBuf::from("me.key")));
    assert_eq!(command.timeout, Some(Duration::from_millis(1500)));
    assert_eq!(command.connect_timeout, Some(Duration::from_secs(2)));
    assert_eq!(command.retries, Some(4));
    assert_eq!(command.max_answer, Some(2 << 20));
    assert_eq!((command.passed_over.len(), command.not_understood.len()), (0, 0));
    assert_eq!(parsed("curl -x http://p:3128/ h").proxy.as_deref(), Some("http://p:3128"));
    assert_eq!(parsed("curl -x http://p:3128 --noproxy '*' h").proxy, None);
    assert_eq!(parsed("curl -m 0 h").timeout, None);
}

#[test]
fn what_changes_nothing_is_passed_over_and_what_may_is_not_understood() {
    let command = parsed(
        "curl -sSo out.json -w '%{http_code}' --no-buffer -F a=b -T x --digest --aws-sigv4 a:b -K conf -b jar.txt \
         --resolve a:1:b --socks5 p https://example.com https://example.org 2>&1 | jq .",
    );
    assert_eq!(
        command.passed_over,
        ["-s", "-S", "-o out.json", "-w '%{http_code}'", "--no-buffer", "2>&1", "| jq ."]
    );
    let not_understood = [
        "-F a=b",
        "-T x",
        "--digest",
        "--aws-sigv4 a:b",
        "-K conf",
        "-b jar.txt",
        "--resolve a:1:b",
        "--socks5 p",
        "https://example.org",
    ];
    assert_eq!(command.not_understood, not_understood);
    assert_eq!(command.url, "https://example.com/");
    let two = parsed("curl https://a.example/ --next -d x https://b.example/");
    assert_eq!(
        (two.method.as_str(), two.not_understood),
        ("GET", vec!["--next -d x https://b.example/".to_owned()])
    );
    let two = parsed("curl https://a.example/ && curl https://b.example/");
    assert_eq!(two.not_understood, ["&& curl https://b.example/"]);
    let trusted = parsed("curl --location-trusted https://a.example/");
    assert!(trusted.follows_redirects && trusted.not_understood == ["--location-trusted"]);
    let certificate = parsed("curl -E me.pem:secret https://a.example/");
    assert_eq!(certificate.not_understood, ["-E me.pem:secret"]);
    assert_eq!(parsed("curl -r 0-5 -d x https://a.example/").not_understood, ["-r 0-5"]);
    assert_eq!(
        parsed("curl --expand-data '{{x}}' https://a.example/").not_understood,
        ["--expand-data '{{x}}'"]
    );
}

#[test]
fn urls_are_absolute() {
    for (written, url) in [
        ("example.com", "http://example.com/"),
        ("localhost:3000/a", "http://localhost:3000/a"),
        ("example.com/a?next=http://b/c", "http://example.com/a?next=http://b/c"),
        ("https://example.com?a", "https://example.com/?a"),
        ("http://example.com:/a", "http://example.com/a"),
        ("https://bücher.example", "https://bücher.example/"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        ("http:/example.com/a", "http://example.com/a"),
        ("'https://example.com/ü'", "https://example.com/%C3%BC"),
        ("--proto-default https example.com", "https://example.com/"),
        ("-G -d 'a=#b' https://example.com/#c", "https://example.com/?a="),
    ] {
        assert_eq!(parsed(&format!("curl {written}")).url, url, "{written}");
    }
}

#[test]
fn variables_are_told() {
    let command = parsed("curl -H \"A: $FILM_ID\" -d \"$FILM_ID ${OPENAI_API_KEY}\" h");
    let variables = [("FILM_ID", "tt0111161"), ("OPENAI_API_KEY", "sk-abc")];
    assert_eq!(command.variables, variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(command.body.as_deref(), Some("tt0111161 sk-abc"));
    assert_eq!(parsed("curl --cacert ~/ca.pem h").ca_file, Some(PathBuf::from("/home/me/ca.pem")));
}

#[test]
fn newer_curls_take_values_behind_an_equals_sign() {
    let command = parsed("curl --request=PUT --header='A: b=c' --data=x=y https://example.com");
    assert_eq!((command.method.as_str(), command.body.as_deref()), ("PUT", Some("x=y")));
    assert_eq!(command.headers[0], ("A".to_owned(), "b=c".to_owned()));
    assert!(parse("curl --compressed=1 https://example.com").is_err());
}

#[test]
fn half_characters_that_browsers_write_are_put_together() {
    let command = parsed("curl 'https://example.com' --data-raw $'{\"a\":\"\\ud83d\\ude00\"}'");
    assert_eq!(command.body.as_deref(), Some("{\"a\":\"😀\"}"));
}
