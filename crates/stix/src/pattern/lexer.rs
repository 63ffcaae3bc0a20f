//! Cuts the text of a pattern into tokens, one at a time, and never fails: what is no token is
//! [`Kind::Invalid`], and the parser, which knows what it expected, makes the error.
//!
//! Blanks are the code points with `White_Space` (section 9.1); comments are those of the OASIS
//! grammar, `/* */` and `//`. Keywords are capitals only.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    LeftBracket,
    RightBracket,
    LeftParen,
    RightParen,
    Colon,
    Dot,
    Comma,
    Star,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Not,
    FollowedBy,
    In,
    Like,
    Matches,
    IsSubset,
    IsSuperset,
    Exists,
    Start,
    Stop,
    Seconds,
    Within,
    Repeats,
    Times,
    /// A word of the OASIS grammar without a use.
    Last,
    True,
    False,
    /// A name without a hyphen.
    Name,
    /// A name with one: an object type, or a property that lacks its quotes.
    HyphenName,
    Integer,
    Float,
    String,
    Binary,
    Hex,
    Timestamp,
    /// A string that does not end.
    Unclosed,
    /// A string with a backslash before something else than `'` and `\`.
    BadEscape,
    /// A sign `+` before a number.
    Signed,
    Invalid,
}

/// A piece of the text; for literals with quotes, `start` and `end` include prefix and quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    exists: bool,
}

impl<'a> Lexer<'a> {
    /// `exists`: whether EXISTS is a keyword, as it is from 2.1 on.
    pub(super) fn new(text: &'a str, exists: bool) -> Self {
        Self { text, at: 0, exists }
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// Where the first byte from `at` on stands that is not one of `class`.
    fn run(&self, at: usize, class: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        at + rest.iter().position(|byte| !class(*byte)).unwrap_or(rest.len())
    }

    pub(super) fn next(&mut self) -> Token {
        self.skip_blanks();
        let start = self.at;
        let (kind, end) = self.read(start);
        self.at = end;
        Token { kind, start, end }
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.byte(self.at) {
                b' ' | b'\t'..=b'\r' => self.at += 1,
                b'/' if self.byte(self.at + 1) == b'/' => {
                    self.at = self.run(self.at + 2, |byte| byte != b'\n' && byte != b'\r');
                }
                b'/' if self.byte(self.at + 1) == b'*' => {
                    let rest = self.text.get(self.at + 2..).unwrap_or_default();
                    let Some(len) = rest.find("*/") else { return };
                    self.at += len + 4;
                }
                0x80.. => {
                    let next = self.text.get(self.at..).and_then(|rest| rest.chars().next());
                    let Some(blank) = next.filter(|c| c.is_whitespace()) else { return };
                    self.at += blank.len_utf8();
                }
                _ => return,
            }
        }
    }

    fn read(&self, start: usize) -> (Kind, usize) {
        let second = self.byte(start + 1);
        let one = |kind| (kind, start + 1);
        let two = |kind| (kind, start + 2);
        match self.byte(start) {
            b'[' => one(Kind::LeftBracket),
            b']' => one(Kind::RightBracket),
            b'(' => one(Kind::LeftParen),
            b')' => one(Kind::RightParen),
            b':' => one(Kind::Colon),
            b',' => one(Kind::Comma),
            b'*' => one(Kind::Star),
            b'=' if second == b'=' => two(Kind::Equal),
            b'=' => one(Kind::Equal),
            b'!' if second == b'=' => two(Kind::NotEqual),
            b'<' if second == b'>' => two(Kind::NotEqual),
            b'<' if second == b'=' => two(Kind::LessEqual),
            b'<' => one(Kind::Less),
            b'>' if second == b'=' => two(Kind::GreaterEqual),
            b'>' => one(Kind::Greater),
            b'\'' => self.string(start, Kind::String),
            b'b' if second == b'\'' => self.string(start + 1, Kind::Binary),
            b'h' if second == b'\'' => self.string(start + 1, Kind::Hex),
            b't' if second == b'\'' => self.string(start + 1, Kind::Timestamp),
            b'.' if !second.is_ascii_digit() => one(Kind::Dot),
            b'.' | b'0'..=b'9' => self.number(start),
            b'-' | b'+' if matches!(second, b'0'..=b'9' | b'.') => self.signed(start),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.name(start),
            _ => self.invalid(start),
        }
    }

    fn invalid(&self, start: usize) -> (Kind, usize) {
        match self.text.get(start..).and_then(|rest| rest.chars().next()) {
            None => (Kind::End, start),
            Some(c) => (Kind::Invalid, start + c.len_utf8()),
        }
    }

    fn string(&self, quote: usize, kind: Kind) -> (Kind, usize) {
        let mut at = quote + 1;
        loop {
            at = self.run(at, |byte| byte != b'\'' && byte != b'\\');
            match (self.byte(at), self.byte(at + 1)) {
                (b'\'', _) => return (kind, at + 1),
                (b'\\', b'\'' | b'\\') => at += 2,
                (b'\\', _) if at + 1 < self.text.len() => return (Kind::BadEscape, at),
                _ => return (Kind::Unclosed, self.text.len()),
            }
        }
    }

    /// An integer has no leading zero, a float may: `01` is two tokens, `01.5` is one.
    fn number(&self, start: usize) -> (Kind, usize) {
        let whole = self.run(start, |byte| byte.is_ascii_digit());
        if self.byte(whole) == b'.' && self.byte(whole + 1).is_ascii_digit() {
            return (Kind::Float, self.run(whole + 1, |byte| byte.is_ascii_digit()));
        }
        let end = if self.byte(start) == b'0' { start + 1 } else { whole };
        (Kind::Integer, end)
    }

    fn signed(&self, start: usize) -> (Kind, usize) {
        let (kind, end) = self.number(start + 1);
        match kind {
            _ if end == start + 1 => (Kind::Invalid, end),
            _ if self.byte(start) == b'+' => (Kind::Signed, end),
            kind => (kind, end),
        }
    }

    fn name(&self, start: usize) -> (Kind, usize) {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let end = self.run(start, word);
        if self.byte(end) == b'-' {
            return (Kind::HyphenName, self.run(end, |byte| word(byte) || byte == b'-'));
        }
        let text = self.text.get(start..end).unwrap_or_default();
        let first = self.byte(start);
        let maybe_keyword = first.is_ascii_uppercase() || first == b't' || first == b'f';
        let kind = if maybe_keyword { self.keyword(text) } else { None };
        (kind.unwrap_or(Kind::Name), end)
    }

    fn keyword(&self, text: &str) -> Option<Kind> {
        Some(match text {
            "AND" => Kind::And,
            "OR" => Kind::Or,
            "NOT" => Kind::Not,
            "FOLLOWEDBY" => Kind::FollowedBy,
            "IN" => Kind::In,
            "LIKE" => Kind::Like,
            "MATCHES" => Kind::Matches,
            "ISSUBSET" => Kind::IsSubset,
            "ISSUPERSET" => Kind::IsSuperset,
            "EXISTS" if self.exists => Kind::Exists,
            "START" => Kind::Start,
            "STOP" => Kind::Stop,
            "SECONDS" => Kind::Seconds,
            "WITHIN" => Kind::Within,
            "REPEATS" => Kind::Repeats,
            "TIMES" => Kind::Times,
            "LAST" => Kind::Last,
            "true" => Kind::True,
            "false" => Kind::False,
            _ => return None,
        })
    }
}

/// Whether an unquoted step may be written like this.
pub(super) fn is_plain_name(text: &str) -> bool {
    let mut lexer = Lexer::new(text, true);
    let token = lexer.next();
    token.kind == Kind::Name && token.start == 0 && token.end == text.len()
}
