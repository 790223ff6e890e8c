//! The answers that a block keeps beside its rows.

use bytes::Bytes;
use polars::prelude::*;

use super::{ChunkError, parquet};
use crate::handoff::input::ORDINAL;
use crate::record::Ordinal;

/// One kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The record; of an answer that several shared the first that it was kept for.
    pub ordinal: Ordinal,
    /// The endpoint's name.
    pub endpoint: String,
    /// Its place among the pages of its pair, from 0.
    pub page: u32,
    /// Its HTTP status.
    pub http_status: Option<u16>,
    /// The bytes that came, their content encoding undone.
    pub body: Bytes,
    /// What the server said that they are.
    pub content_type: Option<String>,
    /// Their text, where it is not simply the bytes, since these are in another charset than UTF-8.
    pub text: Option<String>,
    /// Whether a secret was taken out of it.
    pub is_masked: bool,
    /// The next page that a `Link` header named.
    pub next_link: Option<String>,
}

impl KeptAnswer {
    /// What to show of it.
    pub fn shown(&self) -> &[u8] {
        self.text.as_ref().map_or(&self.body, |text| text.as_bytes())
    }
}

/// What stands for a secret that was taken out begins so, or is this.
const MASKS: [&str; 2] = ["${", "(withheld"];

/// Of older files, which have no `content_type`: their answers are in UTF-8.
const OF_OLDER_FILES: &str = "text/plain; charset=utf-8";

/// The file of a block's kept answers: `ordinal`, `endpoint`, `page`, `http_status`, `body`, `content_type`, `text`,
/// `next_link`, `masked`, compressed.
pub fn encode_answers(answers: &[KeptAnswer]) -> Result<Bytes, ChunkError> {
    let ordinals: Vec<i64> = answers.iter().map(|body| body.ordinal as i64).collect();
    let endpoints: Vec<&str> = answers.iter().map(|body| body.endpoint.as_str()).collect();
    let pages: Vec<i32> = answers.iter().map(|body| body.page as i32).collect();
    let statuses: Vec<Option<i32>> = answers.iter().map(|body| body.http_status.map(i32::from)).collect();
    let links = answers.iter().map(|body| body.next_link.as_deref());
    let bytes = answers.iter().map(|body| Some(body.body.as_ref()));
    let types = answers.iter().map(|body| body.content_type.as_deref());
    let texts = answers.iter().map(|body| body.text.as_deref());
    let columns = vec![
        Column::new(ORDINAL.into(), ordinals),
        Column::new("endpoint".into(), endpoints),
        Column::new("page".into(), pages),
        Column::new("http_status".into(), statuses),
        BinaryChunked::from_iter_options("body".into(), bytes).into_series().into(),
        StringChunked::from_iter_options("content_type".into(), types).into_series().into(),
        StringChunked::from_iter_options("text".into(), texts).into_series().into(),
        StringChunked::from_iter_options("next_link".into(), links).into_series().into(),
        Column::new("masked".into(), answers.iter().map(|body| body.is_masked).collect::<Vec<_>>()),
    ];
    parquet::write_small(&mut DataFrame::new(answers.len(), columns)?)
}

/// The answers of such a file, in its order.
pub fn read_answers(bytes: Bytes) -> Result<Vec<KeptAnswer>, ChunkError> {
    let frame = parquet::read(bytes, None, None)?;
    let ordinals = parquet::whole_numbers(&frame, ORDINAL)?;
    let endpoints = frame.column("endpoint")?.str()?;
    let pages = frame.column("page")?.i32()?;
    let statuses = frame.column("http_status")?.i32()?;
    let answers = frame.column("body")?.binary()?;
    let links = frame.column("next_link")?.str()?;
    let types = frame.column("content_type").ok().map(|column| column.str()).transpose()?;
    let texts = frame.column("text").ok().map(|column| column.str()).transpose()?;
    let masked = frame.column("masked").ok().map(|column| column.bool()).transpose()?;
    // Older files do not tell: what looks so is taken for it.
    let looks_masked = |at: usize| {
        let body = String::from_utf8_lossy(answers.get(at).unwrap_or_default());
        MASKS.iter().any(|mask| body.contains(mask))
    };
    let body = |(at, ordinal): (usize, Ordinal)| KeptAnswer {
        ordinal,
        endpoint: endpoints.get(at).unwrap_or_default().to_owned(),
        page: pages.get(at).and_then(|page| page.try_into().ok()).unwrap_or(0),
        http_status: statuses.get(at).and_then(|status| status.try_into().ok()),
        body: Bytes::copy_from_slice(answers.get(at).unwrap_or_default()),
        content_type: types.map_or(Some(OF_OLDER_FILES), |types| types.get(at)).map(str::to_owned),
        text: texts.and_then(|texts| texts.get(at)).map(str::to_owned),
        is_masked: masked.map_or_else(|| looks_masked(at), |masked| masked.get(at).unwrap_or(true)),
        next_link: links.get(at).map(str::to_owned),
    };
    Ok(ordinals.into_iter().enumerate().map(body).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_byte_by_byte() {
        let body = |ordinal, page, body: &[u8]| KeptAnswer {
            ordinal,
            endpoint: "shop".into(),
            page,
            http_status: (page == 0).then_some(200),
            body: Bytes::copy_from_slice(body),
            content_type: (page == 1).then(|| "text/html; charset=latin1".to_owned()),
            text: (page == 1).then(|| "é".to_owned()),
            is_masked: page == 1,
            next_link: (page == 1).then(|| "/next".to_owned()),
        };
        let answers = [body(3, 0, b"<p>\xff\0"), body(3, 1, b""), body(9, 0, &b"x".repeat(100_000))];
        let file = encode_answers(&answers).unwrap();
        assert!(file.len() < 10_000, "{} bytes are not compressed", file.len());
        assert_eq!(read_answers(file).unwrap(), answers);
        assert_eq!(read_answers(encode_answers(&[]).unwrap()).unwrap(), []);
        assert_eq!(answers.map(|body| body.shown().len()), [5, 2, 100_000]);
    }

    #[test]
    fn an_older_file_is_in_utf_8() {
        let columns = vec![
            Column::new(ORDINAL.into(), [1i64]),
            Column::new("endpoint".into(), ["shop"]),
            Column::new("page".into(), [0i32]),
            Column::new("http_status".into(), [200i32]),
            Column::new("body".into(), [&b"<meta charset=latin1>\xc3\xa9"[..]]),
            Column::new("next_link".into(), [None::<&str>]),
        ];
        let file = parquet::write_small(&mut DataFrame::new(1, columns).unwrap()).unwrap();
        let body = read_answers(file).unwrap().remove(0);
        assert_eq!((body.content_type.as_deref(), body.text), (Some("text/plain; charset=utf-8"), None));
    }
}
