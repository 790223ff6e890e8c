//! The servers: nginx with the films as files, and the origin where answers are to be late.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// Films that differ: the origin's further ids repeat them.
const FILMS: usize = 3201;

/// Longest time that a server takes to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// The documents, and the list of who asks for which.
pub struct Site {
    pub folder: PathBuf,
    /// The documents' paths, one a line.
    pub paths: PathBuf,
    /// `imdb_id,document`: many ids, few documents.
    pub list: PathBuf,
    /// Bytes of a document.
    pub mean_bytes: f64,
}

impl Site {
    /// Takes the films from the origin.
    pub fn make(folder: &Path, origin: &Path, records: u32) -> Outcome<Site> {
        let origin = Origin::start(folder, origin, &["--ids", &records.to_string()])?;
        let ids = ids_of(&origin.print_ids(folder, records)?)?;
        let documents = &ids[..FILMS.min(ids.len())];
        fs::create_dir_all(folder.join("www"))?;
        let mut bytes = 0;
        for id in documents {
            let film = origin.get(&format!("/?i={id}"))?;
            bytes += film.len();
            fs::write(folder.join(format!("www/{id}.json")), film)?;
        }
        let site = Site {
            folder: folder.to_owned(),
            paths: folder.join("paths"),
            list: folder.join("ids.csv"),
            mean_bytes: bytes as f64 / documents.len() as f64,
        };
        let paths: String = documents.iter().map(|id| format!("/{id}.json\n")).collect();
        fs::write(&site.paths, paths)?;
        let lines =
            ids.iter().zip(documents.iter().cycle()).map(|(id, document)| format!("{id},{document}\n"));
        fs::write(&site.list, format!("imdb_id,document\n{}", lines.collect::<String>()))?;
        Ok(site)
    }

    /// The first lines of the list.
    pub fn shortened(&self, records: usize) -> Outcome<PathBuf> {
        let list = self.folder.join("few.csv");
        let text = fs::read_to_string(&self.list)?;
        fs::write(&list, text.split_inclusive('\n').take(records + 1).collect::<String>())?;
        Ok(list)
    }
}

/// A server's process, ended with its value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// nginx, one process without helpers.
pub struct Nginx {
    process: Server,
    pub port: u16,
}

impl Nginx {
    /// Serves the documents of the site in this folder on a free port.
    pub fn start(folder: &Path) -> Outcome<Nginx> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let conf = folder.join("nginx.conf");
        fs::write(&conf, configuration(folder, port))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(&conf).arg("-e").arg(folder.join("nginx.log"));
        let hint = |error| format!("nginx: {error}\nhint: `make bench-needs` installs it");
        let process = Server(command.spawn().map_err(hint)?);
        wait_for(|| TcpStream::connect(("127.0.0.1", port)).is_ok(), "nginx")?;
        Ok(Nginx { process, port })
    }

    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }
}

/// One process, nothing logged, files kept open, connections kept for ever. (sendfile costs more than it saves
/// at a kilobyte.)
fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n{temporary}  access_log off;\n  default_type application/json;\n  sendfile off;\n\
         \x20 keepalive_requests 1000000000;\n  open_file_cache max=4000 inactive=1h;\n\
         \x20 open_file_cache_valid 1h;\n\
         \x20 server {{ listen 127.0.0.1:{port} backlog=4096; root {folder}/www; }}\n}}\n"
    )
}

/// The origin, started for this bench.
pub struct Origin {
    process: Server,
    program: PathBuf,
    pub port: u16,
}

impl Origin {
    pub fn start(folder: &Path, program: &Path, arguments: &[&str]) -> Outcome<Origin> {
        let file = folder.join("origin.port");
        let mut command = Command::new(program);
        command.args(["--port", "0", "--exit-on-stdin-eof", "--port-file"]).arg(&file).args(arguments);
        let process = Server(command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?);
        wait_for(|| file.is_file(), "the origin")?;
        let port = fs::read_to_string(&file)?.trim().parse()?;
        fs::remove_file(&file)?;
        Ok(Origin { process, program: program.to_owned(), port })
    }

    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// Writes the list of ids.
    pub fn print_ids(&self, folder: &Path, ids: u32) -> Outcome<PathBuf> {
        let list = folder.join("origin.csv");
        let mut command = Command::new(&self.program);
        command.args(["--print-ids", "--ids", &ids.to_string()]).stdout(fs::File::create(&list)?);
        match command.status()? {
            status if status.success() => Ok(list),
            status => Err(format!("origin --print-ids: {status}").into()),
        }
    }

    /// A document's body.
    fn get(&self, target: &str) -> Outcome<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(stream, "GET {target} HTTP/1.1\r\nhost: origin\r\nconnection: close\r\n\r\n")?;
        let mut answer = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if answer.read_line(&mut line)? == 0 {
                return Err(format!("{target}: no answer").into());
            }
        }
        let mut body = Vec::new();
        answer.read_to_end(&mut body)?;
        Ok(body)
    }
}

/// The first column of a list.
fn ids_of(list: &Path) -> Outcome<Vec<String>> {
    let text = fs::read_to_string(list)?;
    let ids = text.lines().skip(1).filter_map(|line| line.split(',').next());
    Ok(ids.map(str::to_owned).collect())
}

fn wait_for(ready: impl Fn() -> bool, what: &str) -> Outcome<()> {
    let started = Instant::now();
    while !ready() {
        if started.elapsed() > PATIENCE {
            return Err(format!("{what} does not serve").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
