//! A lean client: one connection, kept alive, and fields that are written once.
//!
//! The client shares two cores with what it measures: what a general one spends on each request
//! (addresses, pools, maps of headers) would be told as the server's slowness. It is an honest one
//! all the same: every answer is read to its end and judged by whoever posts.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::target::Target;

const FIELDS_MAX: usize = 64;

/// A connection to a collection of a target.
pub(super) struct Wire {
    host: String,
    /// The path of the collection.
    path: String,
    /// Fields that every request has.
    fields: String,
    request: Vec<u8>,
    stream: Option<TcpStream>,
    answer: Vec<u8>,
}

impl Wire {
    /// A client of a collection over plain HTTP.
    pub(super) fn new(target: &Target) -> Result<Self> {
        let url = target.url("");
        let rest = url.strip_prefix("http://").context("this client speaks plain HTTP only")?;
        let (host, path) = rest.split_once('/').context("an address without a path")?;
        let (media_type, authorization) = (Target::MEDIA_TYPE, &target.authorization);
        let fields =
            format!("Host: {host}\r\nAuthorization: {authorization}\r\nAccept: {media_type}\r\n");
        let (host, path) = (host.to_owned(), format!("/{path}"));
        Ok(Self { host, path, fields, request: Vec::new(), stream: None, answer: Vec::new() })
    }

    /// Posts a body to a resource of the collection; the body of the answer, which tells of success.
    pub(super) async fn post(&mut self, rest: &str, body: &[u8]) -> Result<&[u8]> {
        let Self { path, fields, request, .. } = self;
        let (media_type, len) = (Target::MEDIA_TYPE, body.len());
        request.clear();
        write!(request, "POST {path}{rest} HTTP/1.1\r\n{fields}")?;
        write!(request, "Content-Type: {media_type}\r\nContent-Length: {len}\r\n\r\n")?;
        request.extend_from_slice(body);
        self.ask().await
    }

    /// Gets a resource of the collection; the body of the answer, which tells of success.
    pub(super) async fn get(&mut self, rest: &str) -> Result<&[u8]> {
        let Self { path, fields, request, .. } = self;
        request.clear();
        write!(request, "GET {path}{rest} HTTP/1.1\r\n{fields}\r\n")?;
        self.ask().await
    }

    async fn ask(&mut self) -> Result<&[u8]> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.host).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(&self.request).await?;
        self.answer.clear();
        let head = loop {
            let count = stream.read_buf(&mut self.answer).await?;
            ensure!(count > 0, "the server hung up before it answered");
            if let Some(head) = Head::parse(&self.answer)? {
                break head;
            }
        };
        while self.answer.len() < head.len + head.body_len {
            let count = stream.read_buf(&mut self.answer).await?;
            ensure!(count > 0, "the server hung up within its answer");
        }
        if head.stays {
            self.stream = Some(stream);
        }
        let body = self.answer.get(head.len..).unwrap_or_default();
        if !(200..300).contains(&head.status) {
            bail!("the server answered {}: {}", head.status, String::from_utf8_lossy(body));
        }
        Ok(body)
    }
}

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    len: usize,
    body_len: usize,
    /// The connection stays for the next request.
    stays: bool,
}

impl Head {
    /// Reads a head; none where more of it is to come.
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut answer = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(len) = answer.parse(bytes)? else { return Ok(None) };
        let field = |name: &str| {
            let found = answer.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
            found.and_then(|field| std::str::from_utf8(field.value).ok())
        };
        let body_len =
            field("content-length").context("an answer that does not tell its length")?;
        let closes = field("connection").is_some_and(|word| word.eq_ignore_ascii_case("close"));
        Ok(Some(Self {
            status: answer.code.context("an answer without a status")?,
            len,
            body_len: body_len.trim().parse()?,
            stays: answer.version == Some(1) && !closes,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn head_tells_where_its_body_ends_and_whether_the_connection_stays() {
        let head = |text: &str| Head::parse(text.as_bytes()).unwrap();
        let whole = "HTTP/1.1 202 Accepted\r\ncontent-length: 7\r\n\r\n{\"a\":1}";
        let found = Head { status: 202, len: whole.len() - 7, body_len: 7, stays: true };
        assert_eq!(head(whole), Some(found));
        assert_eq!(head("HTTP/1.1 202 Accepted\r\ncontent-le"), None);
        let closed = "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n";
        assert!(!head(closed).unwrap().stays);
        assert!(!head("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap().stays);
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "a length is wanted");
    }
}
