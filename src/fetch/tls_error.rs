//! What a failed TLS handshake means, in words that a person knows, with what helps.

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, OtherError, PeerIncompatible};

use super::tls::SelfSigned;

/// What helps where nobody that is known vouches for a certificate.
const TRUST_IT: &str = "if it is the right one, ca_file = \"ca.pem\" names who vouches for it (the server's own certificate, \
                        your company's authority, or that of a proxy that looks into TLS)";

const SHOW_ONE: &str = "client_certificate_file = \"client.pem\" shows one";

/// Message and hint of an error.
pub(super) fn told(error: &Error) -> String {
    let (message, hint) = match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => (too_old(), ""),
        Error::InvalidMessage(message) => of_message(message),
        other => (other.to_string(), ""),
    };
    if hint.is_empty() { message } else { format!("{message}; hint: {hint}") }
}

type Told = (String, &'static str);

fn too_old() -> String {
    "the server speaks only versions of TLS that are no longer safe; windrow speaks 1.2 and 1.3".to_owned()
}

fn of_certificate(error: &CertificateError) -> Told {
    const CLOCK: &str = "its owner must renew it; or is this machine's clock wrong?";
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            (format!("the server's certificate expired on {}", date(*not_after)), CLOCK)
        }
        CertificateError::Expired => ("the server's certificate has expired".to_owned(), CLOCK),
        CertificateError::NotValidYetContext { not_before, .. } => {
            let message = format!("the server's certificate is not valid before {}", date(*not_before));
            (message, "is this machine's clock wrong?")
        }
        CertificateError::UnknownIssuer => {
            ("nobody that this machine trusts vouches for the server's certificate".to_owned(), TRUST_IT)
        }
        CertificateError::BadSignature => {
            let message = "nobody that this machine trusts vouches for the server's certificate: who is named as its \
                           signer has another key";
            (message.to_owned(), TRUST_IT)
        }
        CertificateError::Other(OtherError(error)) if error.is::<SelfSigned>() => {
            ("the server's certificate is signed by itself only".to_owned(), TRUST_IT)
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            of_name(&expected.to_str(), presented)
        }
        CertificateError::Other(OtherError(error))
            if matches!(error.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
        {
            ("the server's certificate is one of an authority, for no server".to_owned(), TRUST_IT)
        }
        CertificateError::Other(OtherError(error)) => {
            let old = matches!(error.downcast_ref(), Some(webpki::Error::UnsupportedCertVersion));
            let hint = if old { "it is of version 1: it needs version 3, with a subjectAltName" } else { "" };
            (format!("the server's certificate does not hold: {error}"), hint)
        }
        other => (format!("the server's certificate does not hold: {other}"), ""),
    }
}

fn of_name(expected: &str, presented: &[String]) -> Told {
    if presented.is_empty() {
        let message = format!("the server's certificate names no host, so none that is {expected}");
        return (message, "it needs a subjectAltName");
    }
    let message = format!("the server's certificate is not for {expected}, but for {}", names(presented));
    (message, "ask it by a name that its certificate has")
}

/// The names that a certificate has, or the first of many: `DnsName("example.com")` as rustls gives them.
fn names(presented: &[String]) -> String {
    const MOST: usize = 5;
    let name = |text: &String| match text.split_once('(') {
        Some((_, rest)) => rest.trim_end_matches(')').trim_matches('"').to_owned(),
        None => text.clone(),
    };
    let shown: Vec<String> = presented.iter().take(MOST).map(name).collect();
    let more = if presented.len() > MOST { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    seconds.map_or_else(|| "a date beyond all calendars".to_owned(), |time| time.to_string())
}

fn of_alert(alert: AlertDescription) -> Told {
    match alert {
        AlertDescription::CertificateRequired => {
            ("the server wants a client certificate".to_owned(), SHOW_ONE)
        }
        AlertDescription::HandshakeFailure => {
            let message = "the server refuses the handshake (handshake_failure)";
            (
                message.to_owned(),
                "it wants a client certificate, or knows only ciphers that are no longer safe",
            )
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => {
            let message =
                format!("the server refuses the client certificate, or that there is none ({alert:?})");
            (message, SHOW_ONE)
        }
        AlertDescription::ProtocolVersion => (too_old(), ""),
        AlertDescription::UnrecognisedName => (
            "the server does not know the name that it is asked by".to_owned(),
            "is the host in the url right?",
        ),
        other => (format!("the server ended the handshake: {other:?}"), ""),
    }
}

fn of_message(message: &InvalidMessage) -> Told {
    match message {
        InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion => {
            let message = "what answers there does not speak TLS";
            (message.to_owned(), "is it http://, or another port?")
        }
        other => (format!("the server sent a message that is no TLS: {other:?}"), ""),
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;

    use super::*;

    #[test]
    fn names_are_shown_as_people_write_them() {
        let error = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("shop.example").unwrap(),
            presented: ["DnsName(\"example.com\")", "IpAddress(10.0.0.1)", "a", "b", "c", "d"]
                .map(str::to_owned)
                .into(),
        };
        let said = told(&error.into());
        assert!(said.contains("not for shop.example, but for example.com, 10.0.0.1, a, b, c, …"), "{said}");
    }
}
