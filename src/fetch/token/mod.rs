//! Access tokens (OAuth 2.0): asked for once for all processes of the user on this machine, and renewed before they end.
//!
//! Promises:
//!
//! - One process at a time asks a token server for a token, others wait for what it is given ([`store`]). Within a process
//!   one task asks.
//! - A token that the server gives in place of a refresh token is on the disk before anything is asked with what came with
//!   it.
//! - A token is sent to the origin of the endpoint's URL, and to the hosts that `[auth.NAME]` names: to nobody else, whatever
//!   redirects and next pages say.
//! - It is never shown: the masks of all questions that are asked with it know it, and what came before it.
//! - Where none can be had now, it is tried again for as long as the job has patience; then what was to be asked waits, and
//!   nothing has failed. Where the server says that there will be none, nobody tries again ([`grant`]).
//! - No request is in flight, and none has a place, while it waits for a token.
//!
//! | a token | |
//! |---|---|
//! | good for another minute, or a tenth of its time | is sent |
//! | of another process, good, and not the one that was refused (401) | the same |
//! | none of those | the server is asked, by the process that has the lock |

mod assertion;
mod grant;
pub(super) mod kept;
pub(super) mod known;
mod store;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::header::{AUTHORIZATION, HeaderValue};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use self::grant::{Given, NoGrant, TokenRequest};
use self::known::TokenUse;
use self::store::{Store, Stored};
use super::Client;
use super::asked::Asked;
use super::origin::Origin;
use super::pacer::{Aside, Pacer, Refused};
use super::question::{Question, QuestionError, look_up};
use super::request::Request;
use crate::job::{Auth, Endpoint};
use crate::secrets::Secrets;

/// The first pause after a token could not be had; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long before its end a token is renewed, at the most.
const MARGIN: Duration = Duration::from_secs(60);

/// The shortest time that a token is taken to be good for, whatever the server says: so it is not asked for each request.
const SHORTEST: Duration = Duration::from_secs(1);

/// The longest: a server's clock says no more.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// How long a refusal (401) is taken for the record's own, after one that a new token did not mend.
const OF_RECORDS: Duration = Duration::from_secs(60);

/// Where tokens of this user are kept, and how long one that cannot be had is waited for.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// The folder.
    pub folder: PathBuf,
    /// How long.
    pub patience: Duration,
}

/// Why there is no token.
#[derive(Debug, Clone)]
pub(super) enum NoToken {
    /// Nobody waits any more.
    Refused(Refused),
    /// It cannot be had now.
    Later(String),
    /// There will be none.
    Never(String),
}

/// The access tokens of a job, by the names of their sources.
pub struct Tokens {
    sources: Vec<Source>,
    settings: TokenSettings,
}

/// An `[auth.NAME]`, in this process.
struct Source {
    uses: Arc<TokenUse>,
    request: TokenRequest,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// What ended the patience, or said that there will be none.
    ended: Option<NoToken>,
    /// When a token that was just given was refused, too.
    in_vain: Option<Instant>,
}

/// An access token.
#[derive(Clone)]
struct Token {
    access: String,
    /// When it is to be renewed, in microseconds since 1970; `None`: when it is refused.
    renew_at: Option<i64>,
}

impl Token {
    fn is_good(&self, now: i64, refused: Option<&str>) -> bool {
        self.renew_at.is_none_or(|at| now < at) && refused != Some(self.access.as_str())
    }
}

impl Tokens {
    /// Those of a job's endpoints, whose `questions` are theirs.
    ///
    /// # Errors
    /// A key file cannot be read, or a template has no value.
    pub fn compile(
        endpoints: &[Endpoint],
        questions: &[Question],
        secrets: &Secrets,
        settings: TokenSettings,
    ) -> Result<Tokens, QuestionError> {
        let values = look_up(endpoints, secrets)?;
        let mut sources: Vec<Source> = Vec::new();
        for (endpoint, question) in endpoints.iter().zip(questions) {
            let (Some(Auth::Token(source)), Some(uses)) = (&endpoint.auth, &question.token) else { continue };
            if !sources.iter().any(|known| Arc::ptr_eq(&known.uses, uses)) {
                let wrong = |why| QuestionError::Token { name: source.name.clone(), why };
                let request =
                    TokenRequest::compile(source, &values, uses, &question.network).map_err(wrong)?;
                sources.push(Source { uses: uses.clone(), request, state: Mutex::default() });
            }
        }
        Ok(Tokens { sources, settings })
    }

    /// None at all.
    pub(super) fn none() -> Tokens {
        let settings = TokenSettings { folder: PathBuf::new(), patience: Duration::ZERO };
        Tokens { sources: Vec::new(), settings }
    }

    /// Where this one's are asked for.
    fn source(&self, uses: &Arc<TokenUse>) -> Option<&Source> {
        self.sources.iter().find(|source| Arc::ptr_eq(&source.uses, uses))
    }
}

impl Client {
    /// The request with a good token, which is not that of the one that was refused.
    pub(super) async fn with_token<P: Pacer>(
        &self,
        uses: &Arc<TokenUse>,
        request: &Request,
        refused: Option<&Request>,
        pacer: &P,
        stop: &watch::Receiver<bool>,
    ) -> Result<Request, NoToken> {
        let none = || NoToken::Never(format!("{} is not asked for here", uses.shown()));
        let source = self.tokens.source(uses).ok_or_else(none)?;
        let refused = refused.and_then(|request| request.headers.get(AUTHORIZATION)?.to_str().ok());
        let refused = refused.and_then(|header| header.strip_prefix("Bearer "));
        let asking = Asking { client: self, pacer, stop };
        let _aside = pacer.aside(Aside::Token(&uses.name));
        let Some(token) = or_stopped(stop, source.token(refused, &asking)).await else {
            return Err(NoToken::Refused(Refused::Interrupted));
        };
        let value = HeaderValue::from_str(&format!("Bearer {}", token?.access));
        let no_header = |_| NoToken::Never(format!("{} is no text that a header can carry", uses.shown()));
        let mut value = value.map_err(no_header)?;
        value.set_sensitive(true);
        let mut request = request.clone();
        request.headers.insert(AUTHORIZATION, value);
        Ok(request)
    }

    /// Whether a refusal may be mended by a new token.
    pub(super) async fn may_mend(&self, uses: &Arc<TokenUse>) -> bool {
        match self.tokens.source(uses) {
            Some(source) => source.state.lock().await.in_vain.is_none_or(|at| at.elapsed() > OF_RECORDS),
            None => false,
        }
    }

    /// A token that was just given is refused, too: it is not the token.
    pub(super) async fn was_in_vain(&self, uses: &Arc<TokenUse>) {
        if let Some(source) = self.tokens.source(uses) {
            source.state.lock().await.in_vain = Some(Instant::now());
        }
    }
}

/// By whom, and whose leave, a token is asked for.
struct Asking<'a, P> {
    client: &'a Client,
    pacer: &'a P,
    stop: &'a watch::Receiver<bool>,
}

impl Source {
    async fn token<P: Pacer>(&self, refused: Option<&str>, asking: &Asking<'_, P>) -> Result<Token, NoToken> {
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| token.is_good(now(), refused)) {
            return Ok(token.clone());
        }
        if let Some(ended) = &state.ended {
            return Err(ended.clone());
        }
        let begun = Instant::now();
        let mut pause = PAUSE;
        loop {
            match self.shared(refused, asking).await {
                Ok(token) => {
                    state.token = Some(token.clone());
                    return Ok(token);
                }
                Err(NoToken::Later(_))
                    if begun.elapsed() + pause < asking.client.tokens.settings.patience => {}
                Err(refused @ NoToken::Refused(_)) => return Err(refused),
                Err(ended) => {
                    state.ended = Some(ended.clone());
                    return Err(ended);
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The token that another process has been given, or else a new one, for all.
    async fn shared<P: Pacer>(
        &self,
        refused: Option<&str>,
        asking: &Asking<'_, P>,
    ) -> Result<Token, NoToken> {
        let later = |error: std::io::Error| NoToken::Later(format!("{}: {error}", self.uses.shown()));
        let store = Store::open(&asking.client.tokens.settings.folder, self.request.key()).map_err(later)?;
        let of_others = || -> Result<(Option<Token>, Option<Stored>), NoToken> {
            let stored = store.read().map_err(later)?;
            stored.iter().for_each(|stored| self.learn(stored));
            let token = stored.as_ref().map(Stored::token).filter(|token| token.is_good(now(), refused));
            Ok((token, stored))
        };
        if let (Some(token), _) = of_others()? {
            return Ok(token);
        }
        let Some(_lock) = store.lock(self.request.longest()).await.map_err(later)? else {
            let why = "another process has been asking for it, and has no answer yet";
            return Err(NoToken::Later(format!("{}: {why}", self.uses.shown())));
        };
        let (token, stored) = of_others()?;
        if let Some(token) = token {
            return Ok(token);
        }
        let given = self.ask(stored.and_then(|stored| stored.refresh_token), asking).await?;
        let stored = Stored::of(given, now());
        self.learn(&stored);
        store.write(&stored).map_err(later)?;
        Ok(stored.token())
    }

    /// Asks the server, first with the refresh token that it gave last.
    async fn ask<P: Pacer>(&self, rotated: Option<String>, asking: &Asking<'_, P>) -> Result<Given, NoToken> {
        let kept = rotated.clone();
        let was_rotated = rotated.is_some();
        let given = match self.ask_with(rotated, asking).await {
            // The job's own may still be good, where what came in its place is not.
            Err(NoToken::Never(_)) if was_rotated => return self.ask_with(None, asking).await,
            given => given?,
        };
        Ok(Given { refresh_token: given.refresh_token.or(kept), ..given })
    }

    async fn ask_with<P: Pacer>(
        &self,
        rotated: Option<String>,
        asking: &Asking<'_, P>,
    ) -> Result<Given, NoToken> {
        let (question, request) = self.request.build(rotated).map_err(NoToken::Never)?;
        let _permit = asking.pacer.start(request.origin()).await.map_err(NoToken::Refused)?;
        let asked = ask_boxed(asking.client, &question, &request, asking.stop).await;
        let said = |why: &str| format!("{}: {} {why}", self.uses.shown(), request.shown());
        grant::read(&question, asked).map_err(|none| match none {
            NoGrant::Later(why) => NoToken::Later(said(&why)),
            NoGrant::Never(why) => NoToken::Never(said(&why)),
        })
    }

    fn learn(&self, stored: &Stored) {
        self.uses.learn(&stored.access_token);
        stored.refresh_token.iter().for_each(|token| self.uses.learn(token));
    }
}

/// For [`fuzz`](super::fuzz): a token that is read is a text, is kept as it is, and lasts until a moment that there is.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn read_and_keep(question: &Question, asked: Asked) {
    let refused = asked.answer.as_ref().is_ok_and(|answer| answer.missing);
    let Ok(given) = grant::read(question, asked) else { return };
    assert!(!refused && !given.access_token.is_empty() && given.refresh_token.as_deref() != Some(""));
    let before = now();
    let stored = Stored::of(given, before);
    let kept: Option<Stored> =
        serde_json::to_vec(&stored).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let parts = |stored: Stored| (stored.token().renew_at, stored.access_token, stored.refresh_token);
    let renew_at = stored.token().renew_at;
    assert_eq!(kept.map(parts), Some(parts(stored)));
    assert!(renew_at.is_none_or(|at| at > before), "asked for with each request");
}

/// Boxed, since asking a question may itself ask for a token; and by nobody's leave, since that was had before.
fn ask_boxed<'a>(
    client: &'a Client,
    question: &'a Question,
    request: &'a Request,
    stop: &'a watch::Receiver<bool>,
) -> Pin<Box<dyn Future<Output = Asked> + Send + 'a>> {
    Box::pin(client.ask(question, request, &AtOnce, stop, |most| most))
}

/// Lets everything go.
struct AtOnce;

impl Pacer for AtOnce {
    type Permit = ();

    async fn start(&self, _: &Origin) -> Result<(), Refused> {
        Ok(())
    }
}

/// What a future gives, or nothing where the run is interrupted before.
async fn or_stopped<T>(stop: &watch::Receiver<bool>, future: impl Future<Output = T>) -> Option<T> {
    let mut stop = stop.clone();
    let stopped = async {
        if stop.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could interrupt.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = stopped => None,
        given = future => Some(given),
    }
}

/// Microseconds since 1970, UTC.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// When a token is to be renewed that was given now.
fn renewal(now: i64, lasts: Duration) -> i64 {
    let lasts = lasts.clamp(SHORTEST, LONGEST);
    let good = lasts - MARGIN.min(lasts / 10);
    now.saturating_add(i64::try_from(good.as_micros()).unwrap_or(i64::MAX))
}
