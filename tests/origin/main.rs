//! The origin: a small HTTP(S) server on 127.0.0.1 for demos, tests and benches. It serves the films of
//! `data/movies.json` and some invented things in the shape of public APIs, misbehaves on request, and counts what it is
//! asked. A document follows from its id alone; what goes wrong, from the id, the seed and the knobs.
//!
//! | to find | look into |
//! |---|---|
//! | flags | `arguments`, and `knobs` for everything that can be turned while it runs |
//! | which paths there are | `endpoint`, `asked` |
//! | what a film's documents hold | `film`, `omdb`, `business`; `library` keeps them ready |
//! | counts of a URL, one by one and in batches | `social` |
//! | matches and their odds, in HTML | `odds` |
//! | prices day by day | `ohlc` |
//! | prices of three places, others each time | `prices` |
//! | what became of subscriptions | `subscriptions` |
//! | eight open APIs | `public` |
//! | access tokens | `identity` |
//! | pages in all charsets and codings | `pages` |
//! | lists in pages and as JSON lines | `lists` |
//! | batches that are asked for otherwise | `items` |
//! | the other documents | `echo`, `numbers`, `small` |
//! | which ids there are | `ids`, and `printed` for the lists of the example jobs |
//! | a request's way | `listen` → `wire` → `visit` → `asked` → `counts` → `allowance` → `places` → `fate` → `origin` → `answer` |
//! | limits, and servers that are slow under load | `allowance`, `places` |
//! | what a document costs | `usage` |
//! | when requests came | `arrivals`, `received` |
//! | the paths under `/_admin/` | `admin`, `truth` |

mod admin;
mod allowance;
mod answer;
mod arguments;
mod arrivals;
mod asked;
mod business;
mod coding;
mod counts;
mod draw;
mod echo;
mod ending;
mod endpoint;
mod fate;
mod film;
mod html;
mod identity;
mod ids;
mod items;
mod knobs;
mod library;
mod listen;
mod lists;
mod numbers;
mod odds;
mod ohlc;
mod omdb;
mod origin;
mod pages;
mod places;
mod prices;
mod printed;
mod public;
mod query;
mod received;
mod small;
mod social;
mod subscriptions;
mod tls;
mod truth;
mod usage;
mod visit;
#[cfg(test)]
mod whole;
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
    if let Some(list) = arguments.print_ids {
        let printed = list.print(&library, std::io::stdout().lock());
        return printed.map_err(|error| format!("standard output: {error}"));
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
    let origin = Rc::new(Origin::new(library, arguments.knobs, arguments.seed, scheme));
    tokio::select! {
        () = listen::serve(listener, origin, acceptor) => {}
        () = ending => {}
    }
    Ok(())
}
