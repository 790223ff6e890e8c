//! jq, as far as a job may use it: the one set of definitions and functions that is compiled against.
//!
//! A column's expression sees the answer and nothing else. So jaq's core, standard and JSON functions are
//! here without `env` (it reads secrets), `input` and its kin, `debug`, `stderr` and `halt`; modules are not
//! loaded. jaq's parser recurses without a bound of its own: the length of an expression is bounded here, and
//! it is compiled on a stack that the worst expression of that length does not fill.

use std::fmt;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use jaq_core::compile::Undefined;
use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::native::Fun;
use jaq_core::{Compiler, Filter, compile};
use jaq_json::Val;

/// What a compiled expression works on: JSON values and nothing beside them.
pub type JqData = JustLut<Val>;

/// A compiled expression.
pub type Jq = Filter<JqData>;

/// Most bytes of an expression. At this length the deepest nesting runs within 2 MiB of stack (tried).
pub const LONGEST_JQ: usize = 4096;

/// Bytes of stack for each byte of an expression: some 4 KiB (tried), four times over.
const STACK_PER_BYTE: usize = 16 << 10;

/// The least stack that a thread is given.
const LEAST_STACK: usize = 4 << 20;

/// Bytes of an expression for which the stack of any thread is enough.
const SHORT: usize = 64;

/// Functions that read or change something other than the answer.
const WITHHELD: [&str; 10] = [
    "debug",
    "debug_empty",
    "env",
    "halt",
    "halt_error",
    "input",
    "input_filename",
    "inputs",
    "stderr",
    "stderr_empty",
];

/// Why an expression does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JqMistake {
    /// The bytes of the expression that it is about.
    pub range: Range<usize>,
    /// One line.
    pub message: String,
}

impl fmt::Display for JqMistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (byte {} of the expression)", self.message, self.range.start + 1)
    }
}

/// Compiles an expression against the allowed functions; the error is one line.
pub fn compile_jq(code: &str) -> Result<Jq, String> {
    compile(code).map_err(|mistake| mistake.to_string())
}

/// Compiles an expression; the error says where.
pub(super) fn compile(code: &str) -> Result<Jq, JqMistake> {
    if code.len() > LONGEST_JQ {
        let message = format!("{} bytes of jq are too many, {LONGEST_JQ} are allowed", code.len());
        return Err(JqMistake { range: 0..code.len(), message });
    }
    let failed = |message: &str| JqMistake { range: 0..code.len(), message: message.to_owned() };
    on_enough_stack(code, || compile_here(code)).unwrap_or_else(|why| Err(failed(&why)))
}

/// Does work that recurses as deeply as the expression nests, on a thread of its own where that may be deep. The error is
/// one line.
pub(super) fn on_enough_stack<T: Send>(code: &str, work: impl FnOnce() -> T + Send) -> Result<T, String> {
    let gave_up = |_| "the reader of jq gave up on this".to_owned();
    if code.len() <= SHORT {
        return panic::catch_unwind(AssertUnwindSafe(work)).map_err(gave_up);
    }
    // No more than an expression of that length can need: a process may not have much memory.
    let stack = (code.len() * STACK_PER_BYTE).max(LEAST_STACK);
    thread::scope(|scope| {
        let working = thread::Builder::new().stack_size(stack).spawn_scoped(scope, work);
        let working =
            working.map_err(|error| format!("the system has no thread to read this jq on: {error}"))?;
        working.join().map_err(gave_up)
    })
}

fn compile_here(code: &str) -> Result<Jq, JqMistake> {
    let arena = Arena::default();
    let modules = Loader::new(definitions())
        .load(&arena, File { path: (), code })
        .map_err(|errors| first_of_loading(code, errors))?;
    load::import(&modules, |_| Err(String::new())).map_err(|errors| first_of_loading(code, errors))?;
    Compiler::default()
        .with_funs(functions())
        .compile(modules)
        .map_err(|errors| first_of_compiling(code, errors))
}

fn definitions() -> impl Iterator<Item = load::parse::Def<&'static str>> {
    let all = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    all.filter(|definition| !WITHHELD.contains(&definition.name))
}

fn functions() -> impl Iterator<Item = Fun<JqData>> {
    let all = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    all.filter(|(name, ..)| !WITHHELD.contains(name))
}

fn first_of_loading(code: &str, errors: load::Errors<&str, ()>) -> JqMistake {
    let first = errors.into_iter().next().map(|(_, error)| error);
    let (expected, found) = match first {
        Some(load::Error::Lex(list)) => match list.into_iter().next() {
            Some((expected, found)) => (expected.as_str(), found),
            None => ("jq", ""),
        },
        Some(load::Error::Parse(list)) => match list.into_iter().next() {
            Some((expected, found)) => (expected.as_str(), found),
            None => ("jq", ""),
        },
        Some(load::Error::Io(list)) => return modules_are_not_loaded(code, &list),
        None => ("jq", ""),
    };
    let range = range_of(code, found);
    let found = if range.is_empty() { "the end" } else { "something else" };
    JqMistake { range, message: format!("jq does not parse: expected {expected}, found {found}") }
}

fn modules_are_not_loaded(code: &str, list: &[(&str, String)]) -> JqMistake {
    let range = list.first().map_or(0..code.len(), |(path, _)| range_of(code, path));
    JqMistake { range, message: "jq modules are not loaded".to_owned() }
}

fn first_of_compiling(code: &str, errors: compile::Errors<&str, ()>) -> JqMistake {
    let first = errors.into_iter().flat_map(|(_, list)| list).next();
    let Some((name, undefined)) = first else {
        return JqMistake { range: 0..code.len(), message: "jq does not compile".to_owned() };
    };
    let message = match undefined {
        Undefined::Filter(_) if WITHHELD.contains(&name) => format!("jq function `{name}` is not available"),
        Undefined::Filter(arity) => format!("no jq function `{name}` of {arity} arguments"),
        other => format!("no jq {} `{name}`", other.as_str()),
    };
    JqMistake { range: range_of(code, name), message }
}

/// Where `part` lies in `code`, of which it is a slice; all of `code` where it is not.
pub(super) fn range_of(code: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(code.as_ptr() as usize);
    if start <= code.len() && part.len() <= code.len() - start {
        start..start + part.len()
    } else {
        0..code.len()
    }
}

#[cfg(test)]
mod tests {
    use jaq_core::{Ctx, Vars, unwrap_valr};

    use super::*;

    fn message(code: &str) -> String {
        compile_jq(code).map(|_| ()).expect_err(code)
    }

    #[test]
    fn the_standard_functions_are_there() {
        for code in [
            ".",
            ".a.b[0]",
            ".imdbVotes | tonumber",
            "[.[] | select(.x == 1)] | length",
            "(.a // empty) | test(\"^x\"; \"i\")",
            "now | todate",
            "def f(x): x + 1; f(.a)",
            "limit(3; .[])",
            "@base64 \"\\(.a)\"",
            "to_entries | map(.key) | join(\",\") | ascii_downcase",
        ] {
            assert!(compile_jq(code).is_ok(), "{code}: {:?}", compile_jq(code).err());
        }
    }

    #[test]
    fn what_lies_outside_the_answer_is_withheld() {
        for code in [
            "env",
            "env.HOME",
            "input",
            "[inputs]",
            "debug",
            "stderr",
            "halt",
            "halt_error",
            "input_filename",
        ] {
            assert!(message(code).contains("is not available"), "{code}: {}", message(code));
        }
        for code in [
            "$ENV",
            "$ENV.HOME",
            "$__prog_args",
            "import \"a\" as a; .",
            "import \"a\" as $a; $a",
            "include \"a\"; .",
        ] {
            message(code);
        }
    }

    #[test]
    fn a_mistake_is_found_where_it_is() {
        let mistake = compile(".a | nosuch(1)").map(|_| ()).expect_err("unknown");
        assert_eq!(mistake.range, 5..11);
        assert_eq!(mistake.message, "no jq function `nosuch` of 1 arguments");
        let mistake = compile(".a |").map(|_| ()).expect_err("open end");
        assert_eq!(mistake.range, 4..4);
        assert!(message("").contains("does not parse"), "{}", message(""));
        assert!(message(".a[").contains("found the end"), "{}", message(".a["));
    }

    #[test]
    fn a_short_expression_needs_no_thread() {
        let here = |code: &str| {
            on_enough_stack(code, || thread::current().id()).is_ok_and(|id| id == thread::current().id())
        };
        assert!(here(".Title") && !here(&" ".repeat(SHORT + 1)));
        assert!(
            on_enough_stack(".", || panic!("as a reader may"))
                .is_err_and(|why: String| why.contains("gave up"))
        );
        let deepest = format!("{}{}", "[".repeat(SHORT / 2), "]".repeat(SHORT / 2));
        let small = thread::Builder::new().stack_size(1 << 20);
        assert!(small.spawn(move || compile(&deepest).is_ok()).expect("a thread").join().expect("no panic"));
    }

    #[test]
    fn the_deepest_expressions_neither_overflow_the_stack_when_compiled_nor_when_run() {
        let half = LONGEST_JQ / 2;
        let nested = [
            format!("{}{}", "[".repeat(half), "]".repeat(half)),
            format!("{}.{}", "{a:".repeat(1000), "}".repeat(1000)),
            format!("{}1", "-".repeat(LONGEST_JQ - 1)),
            format!(".{}", "|.".repeat(half - 1)),
            format!(".{}", "//.".repeat(LONGEST_JQ / 3 - 1)),
            format!("{}1", "try ".repeat(LONGEST_JQ / 4 - 1)),
            "[".repeat(LONGEST_JQ),
        ];
        for code in nested {
            let Ok(filter) = compile(&code) else { continue };
            let run = move || {
                let context = Ctx::<JqData>::new(&filter.lut, Vars::new([]));
                filter.id.run((context, Val::Null)).map(unwrap_valr).count()
            };
            // 2 MiB of stack, unless RUST_MIN_STACK gives unoptimised code more.
            assert_eq!(thread::spawn(run).join().expect("no panic"), 1);
        }
        assert!(message(&" ".repeat(LONGEST_JQ + 1)).contains("too many"));
    }
}
