//! What a question knows of the tokens that it is asked with: who gets them, and what is not shown.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::fetch::origin::Origin;
use crate::fetch::reach::HostPattern;
use crate::fetch::secret::Secret;
use crate::fetch::spelled::Spellings;
use crate::job::TokenSource;

/// Tokens that are known: those that were given last.
const KNOWN: usize = 64;

/// Tokens, the oldest first, and how they are spelled.
#[derive(Default)]
struct Known {
    tokens: VecDeque<Secret>,
    spellings: Arc<Spellings>,
}

/// The tokens of an `[auth.NAME]`, as questions see them.
pub(in crate::fetch) struct TokenUse {
    /// NAME.
    pub(in crate::fetch) name: String,
    hosts: Vec<HostPattern>,
    known: RwLock<Known>,
}

impl TokenUse {
    /// Of a source; no token is known yet.
    pub(in crate::fetch) fn of(source: &TokenSource) -> Result<TokenUse, String> {
        Ok(TokenUse {
            name: source.name.clone(),
            hosts: source.hosts.iter().map(|host| HostPattern::parse(host)).collect::<Result<_, _>>()?,
            known: RwLock::default(),
        })
    }

    /// For people.
    pub(in crate::fetch) fn shown(&self) -> String {
        format!("the token of [auth.{}]", self.name)
    }

    /// Whether they may be sent there; `own` is the origin of the endpoint's URL.
    pub(in crate::fetch) fn go_to(&self, origin: &Origin, own: Option<&Origin>) -> bool {
        let is_own_network = || origin.address().is_some_and(|address| address.is_loopback());
        let is_as_safe = origin.is_https() || own.is_some_and(|own| !own.is_https()) || is_own_network();
        own == Some(origin) || is_as_safe && self.hosts.iter().any(|host| host.matches(origin.host_name()))
    }

    /// A token, as what is shown in its place.
    pub(in crate::fetch) fn secret(&self, value: &str) -> Secret {
        Secret::named(format!("({})", self.shown()).into(), value)
    }

    /// From now on a token is not shown.
    pub(super) fn learn(&self, value: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.tokens.iter().any(|token| token.reveal() == value) {
            return;
        }
        if known.tokens.len() == KNOWN {
            known.tokens.pop_front();
        }
        known.tokens.push_back(self.secret(value));
        known.spellings = Arc::new(Spellings::of(&known.tokens));
    }

    /// The spellings of those that are known.
    pub(in crate::fetch) fn spellings(&self) -> Arc<Spellings> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).spellings.clone()
    }
}

impl fmt::Debug for TokenUse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown())
    }
}

/// Those of a job's endpoints, by name.
pub(in crate::fetch) fn find<'a>(uses: &'a [Arc<TokenUse>], name: &str) -> Option<&'a Arc<TokenUse>> {
    uses.iter().find(|tokens| tokens.name == name)
}
