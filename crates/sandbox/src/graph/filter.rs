//! `$filter`: the part of `OData`'s expressions that the directory understands.

use jiff::Timestamp;

/// A parsed filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare(String, Comparison, Literal),
    In(String, Vec<Literal>),
    StartsWith(String, String),
    EndsWith(String, String),
    /// `property/any(x:x eq 'text')`
    Any(String, Box<Filter>),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    AtLeast,
    AtMost,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    Bool(bool),
    Null,
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Text(String),
    Bool(bool),
    List(Vec<String>),
    Null,
}

/// Why a filter cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FilterFault {
    /// It is not an expression; where.
    Syntax(usize),
    /// It uses a function or operator that the directory never supports.
    Unsupported(String),
}

/// How deep expressions may be nested.
const DEPTH: usize = 32;

impl Filter {
    /// Reads a filter.
    pub(crate) fn parse(text: &str) -> Result<Filter, FilterFault> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            next: 0,
            end: text.len(),
        };
        let filter = parser.either(DEPTH)?;
        match parser.peek() {
            None => Ok(filter),
            Some(_) => Err(parser.fault()),
        }
    }

    /// Whether an object passes, given its properties.
    pub(crate) fn passes(&self, property: &dyn Fn(&str) -> Operand) -> bool {
        match self {
            Filter::And(left, right) => left.passes(property) && right.passes(property),
            Filter::Or(left, right) => left.passes(property) || right.passes(property),
            Filter::Not(inner) => !inner.passes(property),
            Filter::Compare(name, comparison, literal) => {
                compare(&property(name), *comparison, literal)
            }
            Filter::In(name, literals) => {
                let value = property(name);
                literals
                    .iter()
                    .any(|literal| compare(&value, Comparison::Equal, literal))
            }
            Filter::StartsWith(name, text) => match property(name) {
                Operand::Text(value) => value.to_lowercase().starts_with(&text.to_lowercase()),
                _ => false,
            },
            Filter::EndsWith(name, text) => match property(name) {
                Operand::Text(value) => value.to_lowercase().ends_with(&text.to_lowercase()),
                _ => false,
            },
            Filter::Any(name, inner) => match property(name) {
                Operand::List(values) => values
                    .iter()
                    .any(|value| inner.passes(&|_| Operand::Text(value.clone()))),
                _ => false,
            },
        }
    }

    /// Whether it needs `ConsistencyLevel: eventual` and `$count=true`.
    pub(crate) fn is_advanced(&self) -> bool {
        match self {
            Filter::And(left, right) | Filter::Or(left, right) => {
                left.is_advanced() || right.is_advanced()
            }
            Filter::Not(_) | Filter::EndsWith(..) => true,
            Filter::Compare(_, comparison, _) => *comparison == Comparison::NotEqual,
            Filter::Any(_, inner) => inner.is_advanced(),
            Filter::In(..) | Filter::StartsWith(..) => false,
        }
    }

    /// Every property it names.
    pub(crate) fn properties(&self) -> Vec<&str> {
        match self {
            Filter::And(left, right) | Filter::Or(left, right) => {
                let mut names = left.properties();
                names.extend(right.properties());
                names
            }
            Filter::Not(inner) => inner.properties(),
            Filter::Compare(name, ..)
            | Filter::In(name, _)
            | Filter::StartsWith(name, _)
            | Filter::EndsWith(name, _)
            | Filter::Any(name, _) => vec![name],
        }
    }

    /// The one text that a property must equal, if the filter says so.
    pub(crate) fn required_text(&self, name: &str) -> Option<&str> {
        match self {
            Filter::And(left, right) => left
                .required_text(name)
                .or_else(|| right.required_text(name)),
            Filter::Compare(known, Comparison::Equal, Literal::Text(text))
                if known.eq_ignore_ascii_case(name) =>
            {
                Some(text)
            }
            _ => None,
        }
    }
}

fn compare(value: &Operand, comparison: Comparison, literal: &Literal) -> bool {
    let equal = match (value, literal) {
        (Operand::Null, Literal::Null) => true,
        (Operand::Bool(left), Literal::Bool(right)) => left == right,
        (Operand::Text(left), Literal::Text(right)) => left.to_lowercase() == right.to_lowercase(),
        _ => false,
    };
    let order = match (value, literal) {
        (Operand::Text(left), Literal::Text(right)) => Some(order(left, right)),
        _ => None,
    };
    match comparison {
        Comparison::Equal => equal,
        Comparison::NotEqual => !equal,
        Comparison::AtLeast => order.is_some_and(std::cmp::Ordering::is_ge),
        Comparison::AtMost => order.is_some_and(std::cmp::Ordering::is_le),
    }
}

/// Moments are compared as such, other text by its letters.
fn order(left: &str, right: &str) -> std::cmp::Ordering {
    match (left.parse::<Timestamp>(), right.parse::<Timestamp>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ => left.to_lowercase().cmp(&right.to_lowercase()),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Colon,
    /// A name, keyword or bare literal.
    Word(String),
    Text(String),
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FilterFault> {
    let mut tokens = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let token = match c {
            ' ' => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            ':' => Token::Colon,
            '\'' => {
                let mut content = String::new();
                loop {
                    match characters.next() {
                        // A quote inside a literal is doubled.
                        Some((_, '\'')) if characters.next_if(|(_, c)| *c == '\'').is_some() => {
                            content.push('\'');
                        }
                        Some((_, '\'')) => break,
                        Some((_, c)) => content.push(c),
                        None => return Err(FilterFault::Syntax(at)),
                    }
                }
                Token::Text(content)
            }
            c if is_word(c) => {
                let mut word = String::from(c);
                while let Some((_, c)) = characters.next_if(|(at, c)| {
                    is_word(*c) || (*c == ':' && is_inside_moment(&word, &text[*at..]))
                }) {
                    word.push(c);
                }
                Token::Word(word)
            }
            _ => return Err(FilterFault::Syntax(at)),
        };
        tokens.push((at, token));
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "_-/.@$+".contains(c)
}

/// Whether a colon belongs to a moment such as 2026-01-01T00:00:00Z.
fn is_inside_moment(word: &str, rest: &str) -> bool {
    word.contains('T')
        && word.starts_with(|c: char| c.is_ascii_digit())
        && rest[1..].starts_with(|c: char| c.is_ascii_digit())
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    /// A complaint about the token that comes next.
    fn fault(&self) -> FilterFault {
        FilterFault::Syntax(self.tokens.get(self.next).map_or(self.end, |(at, _)| *at))
    }

    fn expect(&mut self, token: &Token) -> Result<(), FilterFault> {
        if self.peek() == Some(token) {
            self.next += 1;
            return Ok(());
        }
        Err(self.fault())
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        if found {
            self.next += 1;
        }
        found
    }

    fn either(&mut self, depth: usize) -> Result<Filter, FilterFault> {
        let mut left = self.both(depth)?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both(depth)?));
        }
        Ok(left)
    }

    fn both(&mut self, depth: usize) -> Result<Filter, FilterFault> {
        let mut left = self.single(depth)?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.single(depth)?));
        }
        Ok(left)
    }

    fn single(&mut self, depth: usize) -> Result<Filter, FilterFault> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.fault());
        };
        if self.keyword("not") {
            return Ok(Filter::Not(Box::new(self.single(depth)?)));
        }
        match self.peek() {
            Some(Token::Open) => {
                self.next += 1;
                let inner = self.either(depth)?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.next += 1;
                if self.peek() == Some(&Token::Open) {
                    self.function(&word, depth)
                } else {
                    self.comparison(word)
                }
            }
            _ => Err(self.fault()),
        }
    }

    fn function(&mut self, name: &str, depth: usize) -> Result<Filter, FilterFault> {
        if let Some(property) = name.strip_suffix("/any") {
            return self.any(property, depth);
        }
        let make: fn(String, String) -> Filter = match name.to_ascii_lowercase().as_str() {
            "startswith" => Filter::StartsWith,
            "endswith" => Filter::EndsWith,
            _ => return Err(FilterFault::Unsupported(name.to_owned())),
        };
        self.expect(&Token::Open)?;
        let property = self.word()?;
        self.expect(&Token::Comma)?;
        let text = self.text()?;
        self.expect(&Token::Close)?;
        Ok(make(property, text))
    }

    /// `property/any(x:x eq 'text')`, also `startsWith(x,'text')`.
    fn any(&mut self, property: &str, depth: usize) -> Result<Filter, FilterFault> {
        self.expect(&Token::Open)?;
        let variable = self.word()?;
        self.expect(&Token::Colon)?;
        let at = self.next;
        let inner = self.either(depth)?;
        self.expect(&Token::Close)?;
        if inner.properties().iter().any(|name| *name != variable) {
            self.next = at;
            return Err(self.fault());
        }
        Ok(Filter::Any(property.to_owned(), Box::new(inner)))
    }

    fn comparison(&mut self, property: String) -> Result<Filter, FilterFault> {
        let operator = self.word()?.to_ascii_lowercase();
        let comparison = match operator.as_str() {
            "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "ge" => Comparison::AtLeast,
            "le" => Comparison::AtMost,
            "in" => return self.list(property),
            "gt" | "lt" | "has" | "contains" => return Err(FilterFault::Unsupported(operator)),
            _ => {
                self.next -= 1;
                return Err(self.fault());
            }
        };
        Ok(Filter::Compare(property, comparison, self.literal()?))
    }

    fn list(&mut self, property: String) -> Result<Filter, FilterFault> {
        self.expect(&Token::Open)?;
        let mut literals = vec![self.literal()?];
        while self.peek() == Some(&Token::Comma) {
            self.next += 1;
            literals.push(self.literal()?);
        }
        self.expect(&Token::Close)?;
        Ok(Filter::In(property, literals))
    }

    fn literal(&mut self) -> Result<Literal, FilterFault> {
        match self.take() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) => Ok(match word.to_ascii_lowercase().as_str() {
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                "null" => Literal::Null,
                // Bare words can only be GUIDs, numbers and moments.
                _ if word.starts_with(|c: char| c.is_ascii_hexdigit()) => Literal::Text(word),
                _ => {
                    self.next -= 1;
                    return Err(self.fault());
                }
            }),
            _ => {
                self.next -= 1;
                Err(self.fault())
            }
        }
    }

    fn word(&mut self) -> Result<String, FilterFault> {
        if let Some(Token::Word(word)) = self.take() {
            return Ok(word);
        }
        self.next -= 1;
        Err(self.fault())
    }

    fn text(&mut self) -> Result<String, FilterFault> {
        if let Some(Token::Text(text)) = self.take() {
            return Ok(text);
        }
        self.next -= 1;
        Err(self.fault())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada(name: &str) -> Operand {
        match name {
            "displayName" => Operand::Text("Ada O'Hazel".to_owned()),
            "accountEnabled" => Operand::Bool(true),
            "businessPhones" => Operand::List(vec!["+1 555 0100".to_owned()]),
            "createdDateTime" => Operand::Text("2024-03-01T10:00:00Z".to_owned()),
            _ => Operand::Null,
        }
    }

    fn passes(text: &str) -> bool {
        Filter::parse(text).unwrap().passes(&ada)
    }

    #[test]
    fn expressions_mean_what_they_say() {
        for text in [
            "displayName eq 'ada o''hazel'",
            "startsWith(displayName,'AD')",
            "startswith(displayName, 'Ada') and accountEnabled eq true",
            "displayName eq 'x' or department eq null",
            "displayName in ('x', 'Ada O''Hazel')",
            "not(displayName eq 'x')",
            "(displayName eq 'x' or accountEnabled eq true) and department eq null",
            "endsWith(displayName,'zel')",
            "businessPhones/any(p:p eq '+1 555 0100')",
            "businessPhones/any(p:startsWith(p,'+1'))",
            "createdDateTime ge 2024-03-01T09:00:00Z",
            "createdDateTime le 2024-03-01T11:00:00+00:00",
            "displayName ne 'x'",
        ] {
            assert!(passes(text), "{text}");
        }
        for text in [
            "displayName eq 'x'",
            "accountEnabled eq false",
            "createdDateTime ge 2024-03-02T09:00:00Z",
            "displayName ge 'b'",
            "department eq 'x' and displayName eq 'x'",
        ] {
            assert!(!passes(text), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (text, at) in [
            ("displayName", 11),
            ("displayName eq", 14),
            ("eq 'x'", 3),
            ("displayName eq 'x", 15),
            ("(displayName eq 'x'", 19),
            ("displayName eq 'x' garbage", 19),
            ("displayName eq x", 15),
            ("displayName = 'x'", 12),
        ] {
            assert_eq!(Filter::parse(text), Err(FilterFault::Syntax(at)), "{text}");
        }
        assert_eq!(
            Filter::parse("contains(displayName,'x')"),
            Err(FilterFault::Unsupported("contains".to_owned()))
        );
        assert!(Filter::parse(&"(".repeat(100_000)).is_err());
        assert!(Filter::parse(&"not ".repeat(100_000)).is_err());
    }
}
