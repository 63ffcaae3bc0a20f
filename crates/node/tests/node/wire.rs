//! HTTP/1.1 as bytes: what is sent is written out in the test, what comes back is taken apart.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// No answer of a test takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A response.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream, read: Vec::new() }
    }

    /// From an address of this machine's own.
    pub(crate) async fn open_from(from: [u8; 4], address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        Self { stream: socket.connect(address).await.unwrap(), read: Vec::new() }
    }

    /// Reads until nothing more comes; how many bytes came.
    pub(crate) async fn drain(&mut self) -> usize {
        while self.more().await {}
        self.read.len()
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends what may be refused on the way.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Whether the other end has closed the connection.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = timeout(PATIENCE, self.stream.read(&mut byte)).await.unwrap();
        matches!(read, Ok(0) | Err(_))
    }

    async fn more(&mut self) -> bool {
        let mut space = vec![0; 64 * 1024];
        let read = timeout(PATIENCE, self.stream.read(&mut space)).await.unwrap();
        let count = read.unwrap_or(0);
        self.read.extend_from_slice(&space[..count]);
        count > 0
    }

    /// The next response; informational ones too.
    pub(crate) async fn reply(&mut self, is_head: bool) -> Reply {
        let end = loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                break end;
            }
            assert!(self.more().await, "the connection closed: {:?}", self.read);
        };
        let rest = self.read.split_off(end + 4);
        let head = String::from_utf8(std::mem::replace(&mut self.read, rest)).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let fields: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut reply = Reply { status, fields, body: Vec::new() };
        if is_head || status < 200 || status == 204 || status == 304 {
            return reply;
        }
        match reply.field("content-length").map(|text| text.parse::<usize>().unwrap()) {
            Some(length) => {
                while self.read.len() < length {
                    assert!(self.more().await, "the body broke off");
                }
                let rest = self.read.split_off(length);
                reply.body = std::mem::replace(&mut self.read, rest);
            }
            None => {
                while self.more().await {}
                reply.body = std::mem::take(&mut self.read);
            }
        }
        reply
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
