//! The jq interpreter (jaq), for the expressions that are not [plain](super::path).
//!
//! What expressions may call is decided by [`compile_jq`]. At most two outputs are ever drawn from an
//! expression that is to give one value, and none after its first error; who draws more bounds them. What is
//! not bounded here is an expression of the job's own that recurses or loops for ever.

use jaq_core::{Ctx, Vars};
use jaq_json::{Val, read, write};
use serde_json::value::RawValue;

use crate::job::{Jq, JqData, compile_jq};

/// A compiled expression.
pub(super) struct Program(Jq);

/// Compiles an expression; the error says what is wrong with it.
pub(super) fn compile(expression: &str) -> Result<Program, String> {
    compile_jq(expression).map(Program)
}

/// What an expression gave, or why it failed.
pub(super) enum Outcome {
    /// It ended without an output.
    Nothing,
    /// One output.
    One(Val),
    /// At least two outputs.
    Several,
    /// An error, as jaq words it.
    Error(String),
}

impl Program {
    /// Runs the expression for one value.
    pub fn run(&self, input: Val) -> Outcome {
        let mut outputs = self.outputs(input);
        let Some(first) = outputs.next() else { return Outcome::Nothing };
        match first.map(|value| (value, outputs.next())) {
            Ok((value, None)) => Outcome::One(value),
            Ok((_, Some(Ok(_)))) => Outcome::Several,
            Err(error) | Ok((_, Some(Err(error)))) => Outcome::Error(error),
        }
    }

    /// What the expression gives, one after the other. After an error no more may be drawn.
    pub fn outputs(&self, input: Val) -> impl Iterator<Item = Result<Val, String>> {
        let context = Ctx::<JqData>::new(&self.0.lut, Vars::new([]));
        self.0.id.run((context, input)).map(|output| {
            output.map_err(|exception| match exception.get_err() {
                Ok(error) => error.to_string(),
                Err(_) => "the expression ended itself".to_owned(),
            })
        })
    }
}

/// JSON text as the interpreter's value; numbers that are not integers keep their text.
pub(super) fn parse(text: &str) -> Result<Val, String> {
    read::parse_single(text.as_bytes()).map_err(|error| error.to_string())
}

/// The JSON text of a value. jaq's values can be more than JSON: NaN, bytes, keys that are no text.
pub(super) fn to_json(value: &Val) -> Result<String, String> {
    let mut text = Vec::new();
    write::write(&mut text, &write::Pp::default(), 0, value).map_err(|error| error.to_string())?;
    let text = String::from_utf8(text).map_err(|_| "the result is not UTF-8 text".to_owned())?;
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(format!("the result {text} is not JSON")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(expression: &str, input: &str) -> Result<String, String> {
        match compile(expression)?.run(parse(input)?) {
            Outcome::Nothing => Ok("nothing".to_owned()),
            Outcome::One(value) => to_json(&value),
            Outcome::Several => Ok("several".to_owned()),
            Outcome::Error(error) => Err(error),
        }
    }

    #[test]
    fn the_standard_library_is_there() {
        assert_eq!(run(".a | map(. + 1) | add", r#"{"a":[1,2]}"#).unwrap(), "5");
        assert_eq!(run(r#".[] | select(.k == "x") | .v"#, r#"[{"k":"y"},{"k":"x","v":1}]"#).unwrap(), "1");
        assert_eq!(run(r#"test("^a.c$")"#, r#""abc""#).unwrap(), "true");
        assert_eq!(run("tojson", "[1.50]").unwrap(), r#""[1.50]""#);
        assert_eq!(run(r#"strptime("%d %b %Y") | mktime"#, r#""12 Jun 1998""#).unwrap(), "897609600");
    }

    #[test]
    fn nothing_reaches_outside() {
        for expression in [
            "env",
            "env.HOME",
            "$ENV",
            "$ENV.HOME",
            "input",
            "inputs",
            "input_filename",
            "debug",
            r#"debug("x")"#,
            "stderr",
            "halt",
            "halt(1)",
            "halt_error",
            "halt_error(1)",
            "debug_empty",
            "stderr_empty",
            r#"import "a" as a; ."#,
            r#"include "a"; ."#,
            r#"import "a" as $a; ."#,
            "get_search_list",
            "input_line_number",
        ] {
            assert!(compile(expression).is_err(), "{expression}");
        }
    }

    #[test]
    fn outputs_are_bounded() {
        assert_eq!(run("empty", "1").unwrap(), "nothing");
        assert_eq!(run("1, 2", "1").unwrap(), "several");
        assert_eq!(run("repeat(1)", "1").unwrap(), "several");
        assert_eq!(run("1, error(\"no\")", "1").unwrap_err(), r#""no""#);
        assert_eq!(run("error(\"no\"), 1", "1").unwrap_err(), r#""no""#);
        assert!(run(".a", "[]").unwrap_err().starts_with("cannot index"));
    }

    #[test]
    fn numbers_keep_their_text() {
        for number in ["9007199254740993", "123456789012345678901234567890", "1.10", "1e400", "0.1e-7"] {
            assert_eq!(run("first(.)", number).unwrap(), number);
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        assert!(run("nan", "1").is_err());
        assert!(run("[infinite]", "1").is_err());
        assert!(run("{(1 | tostring): 2}", "1").is_ok());
        assert!(run("tobytes", r#""a""#).is_err());
        assert!(run(r#""/w==" | @base64d"#, "1").is_err());
    }
}
