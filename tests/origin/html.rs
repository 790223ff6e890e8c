//! What all HTML documents share.

use std::borrow::Cow;

use hyper::StatusCode;

use crate::answer::{Answer, HTML};

/// Text for an element or an attribute in double quotes.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"']) {
        return Cow::Borrowed(text);
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    Cow::Owned(text)
}

/// 404 as a page.
pub fn not_found(what: &str) -> Answer {
    let what = escaped(what);
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>Not found</title></head>\n\
         <body><h1>404</h1><p>There is no {what} here.</p></body></html>\n"
    );
    Answer { status: StatusCode::NOT_FOUND, ..Answer::of(HTML, page) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_text_is_escaped() {
        assert_eq!(escaped(r#"<a href="x">&amp;"#), "&lt;a href=&quot;x&quot;&gt;&amp;amp;");
        assert!(matches!(escaped("plain"), Cow::Borrowed("plain")));
    }
}
