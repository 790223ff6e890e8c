//! Signed assertions (RFC 7523): a JSON Web Token by the key of a service account, RS256 or ES256.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::json;

/// How long an assertion is good for: the longest that servers take.
const LASTS: Duration = Duration::from_secs(60 * 60);

/// How far this machine's clock may be ahead of the server's, which takes no assertion of the future.
const SKEW: Duration = Duration::from_secs(10);

/// What a key file holds.
#[derive(Deserialize)]
struct KeyFile {
    client_email: Option<String>,
    client_id: Option<String>,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

/// The key of a service account.
pub(super) struct Key {
    /// Whose it is.
    issuer: String,
    /// The key's own id.
    id: Option<String>,
    token_url: Option<String>,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(Box<EcdsaKeyPair>),
}

impl Key {
    /// Reads a key file.
    ///
    /// # Errors
    /// It cannot be read, is no key file, or its key is of a kind that is not known.
    pub(super) fn read(path: &Path) -> Result<Key, String> {
        let about = |why: String| format!("key_file {}: {why}", path.display());
        let bytes = std::fs::read(path).map_err(|error| about(error.to_string()))?;
        // What serde would say of it may repeat the key.
        let file: KeyFile = serde_json::from_slice(&bytes)
            .map_err(|_| about("it is not JSON with client_email and private_key".to_owned()))?;
        let issuer = file.client_email.or(file.client_id);
        Ok(Key {
            issuer: issuer.ok_or_else(|| about("it has no client_email".to_owned()))?,
            id: file.private_key_id,
            token_url: file.token_uri,
            pair: Pair::of_pem(&file.private_key).ok_or_else(|| {
                about("its private_key is no key of RSA, nor of the curve P-256".to_owned())
            })?,
        })
    }

    /// Where the file says that tokens are asked for.
    pub(super) fn token_url(&self) -> Option<&str> {
        self.token_url.as_deref()
    }

    /// Whose key it is, and which.
    pub(super) fn name(&self) -> String {
        format!("{} {:?}", self.issuer, self.id)
    }

    /// A signed assertion for an audience, good from now on.
    pub(super) fn assertion(&self, audience: &str, scope: Option<&str>) -> Result<String, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(SKEW);
        let algorithm = match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
        };
        let mut head = json!({ "alg": algorithm, "typ": "JWT" });
        if let Some(id) = &self.id {
            head["kid"] = json!(id);
        }
        let mut claims = json!({
            "iss": self.issuer,
            "sub": self.issuer,
            "aud": audience,
            "iat": now.as_secs(),
            "exp": (now + LASTS).as_secs(),
        });
        if let Some(scope) = scope {
            claims["scope"] = json!(scope);
        }
        let encoded = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", encoded(head), encoded(claims));
        let signature =
            self.pair.sign(signed.as_bytes()).ok_or("the key of the service account cannot sign")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl Pair {
    fn of_pem(pem: &str) -> Option<Pair> {
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()?;
        let rsa = match &key {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            other => RsaKeyPair::from_der(other.secret_der()),
        };
        let p256 = || {
            let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
            EcdsaKeyPair::from_pkcs8(algorithm, key.secret_der(), &random).ok()
        };
        let rsa = rsa.ok().map(|pair| Pair::Rsa(Box::new(pair)));
        rsa.or_else(|| p256().map(|pair| Pair::P256(Box::new(pair))))
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Pair::P256(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
        }
    }
}
