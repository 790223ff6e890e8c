//! What a column finds: the text or an attribute of the elements that a CSS selector matches.

use scraper::{ElementRef, Selector};
use url::Url;

use crate::job::Css;
use crate::record::Failure;
use crate::value::{Type, Value};

use super::super::ExtractorError;
use super::super::convert::Conversion;
use super::super::gather::{MAX_BYTES, too_much};
use super::shown;

/// Compiles a selector; `at` names it in a mistake.
pub(super) fn selector(css: &str, at: &str) -> Result<Selector, ExtractorError> {
    Selector::parse(css).map_err(|why| ExtractorError::Selector { at: at.to_owned(), why: why.to_string() })
}

/// Where matches are looked for.
#[derive(Clone, Copy)]
pub(super) enum Scope<'d> {
    /// Anywhere in the document, whose root this is.
    Document(ElementRef<'d>),
    /// Inside this element.
    Row(ElementRef<'d>),
}

impl<'d> Scope<'d> {
    /// The elements that match, in the order of the document.
    pub fn all<'s>(self, selector: &'s Selector) -> impl Iterator<Item = ElementRef<'d>> + use<'d, 's> {
        let (Scope::Document(element) | Scope::Row(element)) = self;
        let itself = self.matches_itself(selector).then_some(element);
        itself.into_iter().chain(element.select(selector))
    }

    /// A row is not inside itself: only a selector that says `:scope` means it.
    fn matches_itself(self, selector: &Selector) -> bool {
        match self {
            Scope::Document(root) => selector.matches(&root),
            Scope::Row(row) => selector.matches_with_scope(&row, Some(row)) && !selector.matches(&row),
        }
    }
}

/// What is taken from which elements.
pub(super) struct Find {
    /// How a failure names the column.
    at: String,
    selector: Selector,
    attribute: Option<String>,
    all: bool,
    /// JSON is taken as it stands: the blanks in its strings are not to be folded.
    is_json: bool,
}

impl Find {
    /// Compiles a column's selector.
    pub fn new(css: &Css, at: &str, ty: Type) -> Result<Find, ExtractorError> {
        Ok(Find {
            at: at.to_owned(),
            selector: selector(&css.selector, at)?,
            attribute: css.attribute.clone(),
            all: css.all,
            is_json: ty == Type::Json && !css.all,
        })
    }

    /// The column's value at a place.
    pub fn value(&self, place: Scope<'_>, conversion: &Conversion) -> Result<Value, Failure> {
        let mut matches = place.all(&self.selector);
        if self.all {
            return conversion.value(&self.array(matches)?);
        }
        let first = matches.next();
        match &self.attribute {
            Some(attribute) => conversion.value_of_text(first.and_then(|element| element.attr(attribute))),
            None => conversion.value_of_text(first.map(|element| self.text(element)).as_deref()),
        }
    }

    /// The texts of all matches, or the attributes of those that have it, as JSON.
    fn array<'d>(&self, matches: impl Iterator<Item = ElementRef<'d>>) -> Result<String, Failure> {
        let (mut array, mut bytes) = (Vec::new(), 0);
        for element in matches {
            let text = match &self.attribute {
                Some(attribute) => element.attr(attribute).map(str::to_owned),
                None => Some(self.text(element)),
            };
            bytes += text.as_ref().map_or(0, String::len);
            // Elements inside one another have the same texts over and over.
            if bytes > MAX_BYTES {
                return Err(too_much(&self.at));
            }
            array.extend(text.map(serde_json::Value::String));
        }
        Ok(serde_json::Value::Array(array).to_string())
    }

    fn text(&self, element: ElementRef<'_>) -> String {
        if self.is_json { element.text().collect() } else { shown::text(element) }
    }
}

/// The target of the first link that matches, seen from the page's own URL.
pub(super) fn link(root: ElementRef<'_>, selector: &Selector) -> Option<String> {
    let link = Scope::Document(root).all(selector).next()?;
    let target = link.attr("href")?.trim_ascii();
    (!target.is_empty()).then(|| based(root, target))
}

/// A document may say that its links do not start from its own URL: `<base href="/">`. Where that is itself
/// relative to a URL that only the asker knows, it is heeded if it starts with `/`.
fn based(root: ElementRef<'_>, target: &str) -> String {
    seen_from_base(root, target).unwrap_or_else(|| target.to_owned())
}

fn seen_from_base(root: ElementRef<'_>, target: &str) -> Option<String> {
    const HERE: &str = "http://here.invalid";
    let base = root.descendent_elements().find(|element| element.value().name() == "base")?;
    let base = base.attr("href")?.trim_ascii();
    let is_path = base.starts_with('/') && !base.starts_with("//");
    if is_path && target.starts_with("//") {
        return None;
    }
    let base = if is_path { Url::parse(HERE).ok()?.join(base) } else { Url::parse(base) };
    let seen = String::from(base.ok()?.join(target).ok()?);
    Some(seen.strip_prefix(HERE).map(str::to_owned).unwrap_or(seen))
}
