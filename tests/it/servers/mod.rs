//! Bad answers, and servers that are not there.
//!
//! | file | asks |
//! |---|---|
//! | [`answers`] | what does each bad answer end as, in the requests? |
//! | [`blobs`] | what becomes of bytes in base64 and in hexadecimal digits, and how are they shown? |
//! | [`credentials`] | what becomes of a run whose secret is refused? |
//! | [`echoes`] | what of servers that repeat the secrets they are asked with? |
//! | [`kinds`] | what of answers that are another thing than the job reads, or in another charset, and how are they kept? |
//! | [`down`] | what becomes of a run whose server is not there, or goes away, or fails every id? |
//! | [`hosts`] | what becomes of a run some of whose hosts are gone? |
//! | [`parts`] | what becomes of a success that is a part of the answer, or none yet? |
//! | [`policies`] | what does a failure do to the row, and to what depends on it? |
//! | [`proxies`] | what of a run through a proxy, and of its password? |
//! | [`secure`] | HTTPS: HTTP/2 and HTTP/1.1, and certificates that nobody vouches for |
//! | [`tokens`] | what of access tokens that end, are refused, cannot be had, are asked for by who is killed? |
//! | [`raw`] | a server that writes any bytes |

mod answers;
mod blobs;
mod credentials;
mod down;
mod echoes;
mod hosts;
mod kinds;
mod parts;
mod policies;
mod proxies;
pub mod raw;
mod secure;
mod tokens;
