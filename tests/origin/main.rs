//! The origin: a small HTTP(S) server on 127.0.0.1 for demos, tests and benches. It serves the films of
//! `data/movies.json` in the shape of public APIs, misbehaves on request, and counts what it is asked.
//!
//! | to find | look into |
//! |---|---|
//! | flags | `arguments`, and `knobs` for everything that can be turned while it runs |
//! | what a film's documents hold | `film`, `omdb`, `business`; `library` keeps them ready |
//! | the other documents | `echo`, `numbers` |
//! | which ids there are | `ids` |
//! | a request's way | `listen` → `wire` → `origin` → `asked` → `counts` → `fate` → `answer` |
//! | the paths under `/_admin/` | `admin` |

mod admin;
mod answer;
mod arguments;
mod asked;
mod business;
mod counts;
mod draw;
mod echo;
mod ending;
mod fate;
mod film;
mod ids;
mod knobs;
mod library;
mod listen;
mod numbers;
mod omdb;
mod origin;
mod tls;
mod wire;

use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser;
use tokio::runtime::{Builder, LocalOptions};

use arguments::Arguments;
use library::Library;
use origin::Origin;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("origin: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    arguments.knobs.check()?;
    let library = Library::open(arguments.ids).map_err(|error| format!("data/movies.json: {error}"))?;
    if arguments.print_ids {
        return library
            .print_ids(std::io::stdout().lock())
            .map_err(|error| format!("standard output: {error}"));
    }
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    runtime
        .map_err(|error| format!("the runtime does not start: {error}"))?
        .block_on(serve(arguments, library))
}

/// Serves until a signal or the parent's end.
async fn serve(arguments: Arguments, library: Library) -> Result<(), String> {
    listen::raise_file_limit();
    if arguments.exit_with_parent {
        ending::follow_parent()?;
    }
    let acceptor = arguments.tls.then(|| tls::acceptor(arguments.cert_out.as_deref())).transpose()?;
    let listener = listen::bind(arguments.port)?;
    let port = listener.local_addr().map_err(|error| format!("the listener's address: {error}"))?.port();
    let ending = ending::ending(arguments.exit_on_stdin_eof)?;
    let scheme = if arguments.tls { "https" } else { "http" };
    eprintln!(
        "origin: serving {} films under {} ids at {scheme}://127.0.0.1:{port}",
        library.films(),
        library.listed()
    );
    if let Some(path) = &arguments.port_file {
        arguments::write_whole(path, &format!("{port}\n"))?;
    }
    let origin = Rc::new(Origin::new(library, arguments.knobs, arguments.seed));
    tokio::select! {
        () = listen::serve(listener, origin, acceptor) => {}
        () = ending => {}
    }
    Ok(())
}
