//! Help, completions and manual pages: one source, and what others make of it.

use std::path::Path;
use std::process::Command;

use crate::support::{Sandbox, ended};

/// `windrow help X` is `windrow X --help`, as it was when clap did it.
#[test]
fn help_of_a_command_is_its_own() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(["help"]).with_code(0).stdout, sandbox.run(["--help"]).with_code(0).stdout);
    for command in ["run", "query", "extract", "help", "man"] {
        let own = sandbox.run([command, "--help"]).with_code(0).stdout;
        assert_eq!(sandbox.run(["help", command]).with_code(0).stdout, own, "{command}");
    }
}

#[test]
fn topics_are_pages_and_a_wrong_word_leads_to_one() {
    let sandbox = Sandbox::new();
    let codes = sandbox.run(["help", "exit-codes"]).with_code(0).stdout;
    assert!(codes.contains("\n  75             temporary: "), "{codes}");
    assert!(codes.contains("do: run the same command again in some minutes"), "{codes}");
    let kinds = sandbox.run(["help", "kinds"]).with_code(0).stdout;
    assert!(kinds.contains("\n  not_json       the answer is not JSON"), "{kinds}");
    let types = sandbox.run(["help", "types"]).with_code(0).stdout;
    insta::assert_snapshot!(types.split_once("What a column").unwrap().1, @r#"
     of a new table is:
      type          PostgreSQL        MariaDB, MySQL  SQLite   DuckDB        Parquet
      text          text              longtext        TEXT     VARCHAR       STRING
      boolean       boolean           tinyint(1)      INTEGER  BOOLEAN       BOOLEAN
      integer       integer           int             INTEGER  INTEGER       INT32
      bigint        bigint            bigint          INTEGER  BIGINT        INT64
      double        double precision  double          REAL     DOUBLE        DOUBLE
      decimal(p,s)  numeric(p,s)      decimal(p,s)    TEXT     DECIMAL(p,s)  DECIMAL(p,s)
      date          date              date            TEXT     DATE          DATE
      timestamp     timestamptz       datetime(6)     TEXT     TIMESTAMP     TIMESTAMP (UTC, µs)
      blob          bytea             longblob        BLOB     BLOB          BYTE_ARRAY
      json          json              longtext        TEXT     JSON          STRING
      Of MariaDB, MySQL: the key, where it is a text, is varchar(768).
    "#);
    for (words, hint) in [
        (
            &["exit-cods"][..],
            "did you mean `windrow help exit-codes`? the topics are exit-codes, kinds, types",
        ),
        (&["fetch"], "did you mean `windrow help run`?"),
        (&["run", "x"], "did you mean `windrow help run`?"),
        (&["zzzzzz"], "hint: the topics are exit-codes, kinds, types; `windrow help` lists the commands"),
        (&["\x1b[31m"], "there is no command or topic \"\\u{1b}[31m\""),
    ] {
        let words: Vec<&str> = ["help"].into_iter().chain(words.iter().copied()).collect();
        sandbox.run(&words).with_code(2).saying(hint);
    }
}

fn script(sandbox: &Sandbox, shell: &str) {
    let script = sandbox.run(["completions", shell]).with_code(0).stdout;
    // Hidden: of the supervisor's alone, or what another tool calls a flag.
    for hidden in ["supervised-by", "settle", "secrets-accepted", "--force"] {
        assert!(!script.contains(hidden), "{shell}: {hidden}");
    }
    sandbox.write(&format!("windrow.{shell}"), script);
}

fn said(sandbox: &Sandbox, program: &str, words: &[&str]) -> String {
    let mut command = Command::new(program);
    sandbox.confine(&mut command);
    command.args(words);
    let ended = ended(command).with_code(0);
    assert_eq!(ended.stderr, "", "{program} {words:?}");
    ended.stdout
}

/// By the shell itself: what it offers after these words.
fn bash(sandbox: &Sandbox, words: &str) -> String {
    let complete = format!(
        "source windrow.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
         _windrow windrow \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[*]}}\""
    );
    said(sandbox, "bash", &["--norc", "--noprofile", "-c", &complete]).trim_end().to_owned()
}

#[test]
fn bash_completes_commands_flags_and_words() {
    let sandbox = Sandbox::new();
    script(&sandbox, "bash");
    for (words, offered) in [
        ("windrow ru", "run"),
        ("windrow run --sam", "--sample"),
        ("windrow shard --s", ""),
        ("windrow run --progress \"\"", "auto bar plain json none"),
        ("windrow help ki", "kinds"),
        ("windrow help exi", "exit-codes"),
        ("windrow init --r", ""),
        ("windrow query --r", "--runs"),
    ] {
        assert_eq!(bash(&sandbox, words), offered, "{words}");
    }
}

/// Brackets, colons, backquotes and parentheses of the help are theirs to get wrong.
#[test]
fn zsh_and_fish_take_their_scripts() {
    let sandbox = Sandbox::new();
    script(&sandbox, "zsh");
    script(&sandbox, "fish");
    let load = "autoload -Uz compinit && compinit -D; source ./windrow.zsh; print $+functions[_windrow]";
    assert_eq!(said(&sandbox, "zsh", &["-fc", load]), "1\n");
    for (words, offered) in [
        ("windrow ru", "run\tPlan, fetch, retry, publish and summarise; resume an unfinished run\n"),
        ("windrow run --progress b", "bar\n"),
    ] {
        let complete = format!("source windrow.fish; complete -C '{words}'");
        assert_eq!(said(&sandbox, "fish", &["--no-config", "-c", &complete]), offered, "{words}");
    }
}

#[test]
fn manual_pages_are_whole_and_formatters_take_them() {
    let sandbox = Sandbox::new();
    sandbox.run(["man", "pages/man1"]).with_code(0).saying("manual pages into pages/man1");
    let folder = sandbox.path().join("pages/man1");
    let mut pages: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|page| page.unwrap().path()).collect();
    pages.sort();
    assert_eq!(pages.len(), 21);
    for page in &pages {
        is_well_formed(page);
        let text = std::fs::read_to_string(page).unwrap();
        assert!(text.is_ascii() && text.contains("\n.SH \"EXIT STATUS\"\n"), "{}", page.display());
        assert!(!text.contains("supervised") && !text.contains("force"), "{}", page.display());
    }
    let main = sandbox.run(["man"]).with_code(0).stdout;
    assert_eq!(main, std::fs::read_to_string(folder.join("windrow.1")).unwrap());
    let run = read(&folder.join("windrow-run.1"));
    for line in ["windrow run films.toml --sample 10", "--sample <N>", "<ID,…>", "75     temporary: a shard"]
    {
        assert!(run.contains(line), "{line}:\n{run}");
    }
    assert!(read(&folder.join("windrow-status.1")).contains("a run's shards"));
    sandbox.write("file", "");
    sandbox.run(["man", "file/man1"]).with_code(4).saying("cannot write into file/man1").saying("hint: ");
}

/// As a person reads it, in one line.
fn read(page: &Path) -> String {
    let mut groff = Command::new("groff");
    groff.args(["-man", "-Tutf8", "-P-cbou", "-rLL=200n"]).arg(page).env("LC_ALL", "C.UTF-8");
    ended(groff).with_code(0).stdout
}

fn is_well_formed(page: &Path) {
    let mut groff = Command::new("groff");
    groff.args(["-man", "-ww", "-z", "-Tutf8"]).arg(page);
    assert_eq!(ended(groff).with_code(0).stderr, "", "{}", page.display());
    let lint = Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).arg(page).output();
    let lint = lint.expect("`make test-needs` installs mandoc");
    let said = String::from_utf8_lossy(&lint.stdout).into_owned();
    // What clap_mangen writes around lists of words, and that the pages have no date.
    let is_known =
        |line: &&str| line.contains("skipping paragraph macro: br") || line.contains("missing date");
    let strange: Vec<&str> = said.lines().filter(|line| !is_known(line)).collect();
    assert!(strange.is_empty(), "{strange:#?}");
}
