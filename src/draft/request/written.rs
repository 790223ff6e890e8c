//! The request as lines of an `[[endpoint]]`.

use super::cut::{CutRequest, Param, Payload};
use super::json::key;
use std::path::PathBuf;

use super::RequestDraft;
use crate::job::{Part, Template, toml_text};

/// A line of a job file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What stands there: `url = "https://…"`.
    pub text: String,
    /// What is said of it.
    pub comment: Option<String>,
}

fn line(name: &str, value: &str) -> Line {
    Line { text: format!("{name} = {value}"), comment: None }
}

impl RequestDraft {
    /// The lines of the endpoint that ask; its name, and what is made of its answers, are for others to write.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = self.url();
        lines.extend(self.cut.method.as_ref().map(|method| line("method", &toml_text(method))));
        lines.extend(self.authorization());
        lines.extend(self.headers());
        lines.extend(self.payload());
        lines.extend(self.of_the_way());
        lines
    }

    /// The URL with its parameters, as one would write it in one line.
    pub fn shown_url(&self) -> String {
        if let Some(column) = &self.whole_url {
            return format!("{{{column}:url}}");
        }
        let path: Vec<String> = self.cut.path.iter().map(|piece| piece.in_url()).collect();
        let query: Vec<String> = self.cut.params.iter().map(written_param).collect();
        let question = if query.is_empty() { "" } else { "?" };
        format!("{}{}{question}{}", self.cut.origin, path.join("/"), query.join("&"))
    }

    fn url(&self) -> Vec<Line> {
        if let Some(column) = &self.whole_url {
            let template = Template { parts: vec![Part::Url(column.clone())] };
            let url = line("url", &toml_text(&template.to_string()));
            return [url].into_iter().chain(self.own_host()).collect();
        }
        let cut = &self.cut;
        let path: Vec<String> = cut.path.iter().map(|piece| piece.in_url()).collect();
        let url = format!("{}{}", cut.origin, path.join("/"));
        match cut.named_params() {
            Some(params) => {
                let params = params.iter().map(|(name, piece)| {
                    format!("{} = {}", key(name), toml_text(&piece.template.to_string()))
                });
                let params: Vec<String> = params.collect();
                let params =
                    (!params.is_empty()).then(|| line("params", &format!("{{ {} }}", params.join(", "))));
                [line("url", &toml_text(&url))].into_iter().chain(params).collect()
            }
            None => {
                vec![line("url", &toml_text(&self.shown_url()))]
            }
        }
    }

    /// `hosts`, where a whole URL leads to a host that is not public: only those that a job names are asked then.
    fn own_host(&self) -> Option<Line> {
        let url = url::Url::parse(&self.command.url).ok()?;
        let is_own = match url.host()? {
            url::Host::Domain(name) => {
                !name.contains('.') || name.ends_with(".local") || name.ends_with(".internal")
            }
            url::Host::Ipv4(address) => {
                address.is_loopback() || address.is_private() || address.is_link_local()
            }
            url::Host::Ipv6(address) => address.is_loopback() || address.is_unique_local(),
        };
        is_own.then(|| line("hosts", &format!("[{}]", toml_text(url.host_str().unwrap_or_default()))))
    }

    /// `auth`, where the request says who asks in a way that a job has a key for.
    fn authorization(&self) -> Option<Line> {
        if let (Some((user, password)), Some(name)) = (&self.command.user, &self.basic) {
            let literal = Template { parts: vec![Part::Literal(user.clone())] };
            let basic = match password.is_empty() {
                true => format!("${{{name}}}:"),
                false => format!("{literal}:${{{name}}}"),
            };
            return Some(line("auth", &format!("{{ basic = {} }}", toml_text(&basic))));
        }
        let token = bearer(&self.cut)?;
        Some(line("auth", &format!("{{ bearer = {} }}", toml_text(&token))))
    }

    fn headers(&self) -> Option<Line> {
        let is_auth = |name: &str| name == "authorization" && self.authorization().is_some();
        let headers = self.cut.headers.iter().filter(|header| !is_auth(&header.name));
        let headers = headers
            .map(|header| format!("{} = {}", key(&header.name), toml_text(&header.template.to_string())));
        let headers: Vec<String> = headers.collect();
        (!headers.is_empty()).then(|| line("headers", &format!("{{ {} }}", headers.join(", "))))
    }

    fn payload(&self) -> Option<Line> {
        match &self.cut.payload {
            Payload::None => None,
            Payload::Json(json) => Some(line("json", &json.written())),
            Payload::Form(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|field| format!("{} = {}", key(&field.name), toml_text(&field.template.to_string())))
                    .collect();
                Some(line("form", &format!("{{ {} }}", fields.join(", "))))
            }
            Payload::Text(text) => Some(line("body", &toml_text(&text.template.to_string()))),
        }
    }

    /// How the host is reached.
    fn of_the_way(&self) -> Vec<Line> {
        let command = &self.command;
        let seconds = |time: std::time::Duration| {
            toml_text(&humantime::format_duration(time).to_string().replace(' ', ""))
        };
        let file = |name, path: &Option<PathBuf>| {
            let path = path.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
            path.map(|path| line(name, &toml_text(&path.display().to_string())))
        };
        let ca_file = file("ca_file", &command.ca_file);
        let certificate = file("client_certificate_file", &command.client_certificate_file);
        let client_key = file("client_key_file", &command.client_key_file);
        let redirects = command.max_redirects.map(|most| line("max_redirects", &most.min(50).to_string()));
        let answer = command.max_answer.map(|most| line("max_answer", &most.clamp(1, 1 << 30).to_string()));
        let attempts = command.retries.map(|retries| retries.saturating_add(1).min(100));
        let retry = attempts.map(|attempts| line("retry", &format!("{{ attempts = {attempts} }}")));
        let timeout = command.timeout.map(|time| line("timeout", &seconds(time)));
        let connect = command.connect_timeout.map(|time| line("connect_timeout", &seconds(time)));
        let proxy = self.proxy.as_ref().map(|proxy| line("proxy", &toml_text(proxy)));
        let way = [proxy, ca_file, certificate, client_key, timeout, connect, redirects, answer, retry];
        way.into_iter().flatten().collect()
    }
}

fn written_param(param: &Param) -> String {
    let name = Template { parts: vec![Part::Literal(param.raw_name.clone())] };
    if param.has_value { format!("{name}={}", param.value.in_url()) } else { name.to_string() }
}

/// What stands behind `Bearer `, if that is a secret or a value of the list alone.
fn bearer(cut: &CutRequest) -> Option<String> {
    let header = cut.headers.iter().find(|header| header.name == "authorization")?;
    let template = header.template.to_string();
    let (scheme, token) = template.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim().to_owned())
}
