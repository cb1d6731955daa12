//! One page: what is asked for it, and what its answer says about the one after it.

use serde_json::value::RawValue;
use store::PresetName;
use url::Url;

use super::answer::Answer;
use super::cursor::{PageCursor, Place, mark};
use super::{More, Page, PageError, PageSize, PageStyle, Paging, link};
use crate::credential::Credential;
use crate::error::Named;
use crate::fetched::Fetched;
use crate::known::Loaded;
use crate::message::{ApiRequest, Body, error_of, parse_body};

/// What the Graph preset asks for: the most that Graph gives.
const GRAPH_TOP: u32 = 999;

/// One page being read.
pub(super) struct Reading<'a> {
    loaded: &'a Loaded,
    paging: &'a Paging,
    style: PageStyle,
    size: Option<PageSize>,
    cursor: Option<&'a PageCursor>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        loaded: &'a Loaded,
        paging: &'a Paging,
        cursor: Option<&'a PageCursor>,
    ) -> Reading<'a> {
        let graph = loaded.connection.settings.preset == PresetName::MicrosoftGraph;
        let style = paging.style.clone().unwrap_or(if graph {
            PageStyle::OData
        } else {
            PageStyle::Links
        });
        let size = paging.size.clone().or_else(|| {
            let most = paging.max_items.unwrap_or(u64::MAX).max(1);
            (graph && style == PageStyle::OData).then(|| PageSize {
                parameter: "$top".to_owned(),
                size: u32::try_from(most).unwrap_or(u32::MAX).min(GRAPH_TOP),
            })
        });
        Reading {
            loaded,
            paging,
            style,
            size,
            cursor,
        }
    }

    fn named(&self) -> Named {
        self.loaded.named.clone()
    }

    /// The page that is wanted, after all that can be said against it before it is asked for.
    pub(super) fn follow(&self) -> Result<PageCursor, PageError> {
        let Some(cursor) = self.cursor else {
            return Ok(PageCursor::start());
        };
        if let Some(limit) = self.paging.max_pages
            && cursor.pages() >= limit
        {
            return Err(PageError::Limit {
                connection: self.named(),
                limit,
            });
        }
        if let Place::Url(url) = cursor.place() {
            let foreign = Url::parse(url)
                .map_err(|_| "an address that can't be read".to_owned())
                .and_then(|url| {
                    self.loaded
                        .reach()
                        .check_origin(&url)
                        .map_err(|_| url.origin().ascii_serialization())
                });
            if let Err(host) = foreign {
                return Err(PageError::Origin {
                    connection: self.named(),
                    page: cursor.pages() + 1,
                    host,
                });
            }
        }
        cursor.step().ok_or_else(|| PageError::Loop {
            connection: self.named(),
            read: cursor.pages(),
        })
    }

    /// The request for a page, and whether it asks for a size that the caller did not ask for.
    pub(super) fn request(&self, request: &ApiRequest, at: &PageCursor) -> (ApiRequest, bool) {
        let mut asked = self.plain(request, at);
        let Some(size) = self
            .size
            .as_ref()
            .filter(|_| !matches!(at.place(), Place::Url(_)))
        else {
            return (asked, false);
        };
        if self.paging.size.is_none() && has_size(&asked) {
            return (asked, false);
        }
        set(&mut asked, &size.parameter, size.size.to_string());
        (asked, self.paging.size.is_none())
    }

    pub(super) fn plain(&self, request: &ApiRequest, at: &PageCursor) -> ApiRequest {
        let mut asked = request.clone();
        asked.body = Body::Empty;
        match (at.place(), &self.style) {
            (Place::Url(url), _) => {
                asked.target.clone_from(url);
                asked.query = Vec::new();
            }
            (Place::Value(value), PageStyle::Cursor { parameter, .. }) => {
                set(&mut asked, parameter, value.clone());
            }
            (
                Place::Number(number),
                PageStyle::Offset { parameter, .. } | PageStyle::Number { parameter, .. },
            ) => set(&mut asked, parameter, number.to_string()),
            (
                Place::Start,
                PageStyle::Number {
                    parameter, first, ..
                },
            ) => {
                set(&mut asked, parameter, first.to_string());
            }
            (Place::Start, PageStyle::Offset { parameter, .. }) => {
                set(&mut asked, parameter, "0".to_owned());
            }
            // A cursor of another style means nothing here: it begins anew.
            _ => {}
        }
        asked
    }

    pub(super) fn read(&self, fetched: Fetched, at: PageCursor) -> Result<Page, PageError> {
        let page = at.pages() + 1;
        let url = fetched.url.clone();
        let link = fetched
            .headers
            .get_all(http::header::LINK)
            .iter()
            .cloned()
            .collect::<Vec<_>>();
        let body = fetched.body.clone();
        let status = fetched.status;
        let head = fetched.into_head();
        if !status.is_success() {
            let parsed = parse_body("application/json", body);
            let (code, message) = error_of(&parsed);
            let said = match (code, message) {
                (Some(code), Some(message)) => Some(format!("{code}: {message}")),
                (code, message) => code.or(message),
            };
            return Err(PageError::Refused {
                connection: self.named(),
                page,
                said,
                head: Box::new(head),
            });
        }
        let answer =
            Answer::parse(&body, self.paging.items.as_deref(), &self.style).map_err(|why| {
                PageError::Items {
                    connection: self.named(),
                    page,
                    why,
                }
            })?;
        let looped = PageError::Loop {
            connection: self.named(),
            read: at.pages(),
        };
        let mark = mark(url.as_str().as_bytes());
        let at = if self.counts() {
            at.counted(&body, answer.items.len()).ok_or(looped)?
        } else {
            at.begun(mark)
        };
        let following = self
            .next_place(&answer, &link, &url, &at)
            .map(|place| match place {
                Place::Url(text) => Place::Url(self.without_key(&text)),
                other => other,
            });
        let (items, next) = self.cut(&answer.items, following, at);
        Ok(Page {
            items,
            next,
            head,
            mark,
        })
    }

    fn counts(&self) -> bool {
        matches!(
            self.style,
            PageStyle::Offset { .. } | PageStyle::Number { .. }
        )
    }

    /// Where the page after this one is.
    fn next_place(
        &self,
        answer: &Answer<'_>,
        link: &[http::HeaderValue],
        url: &Url,
        at: &PageCursor,
    ) -> Option<Place> {
        let absolute = |to: String| Place::Url(url.join(&to).map_or(to, |url| url.to_string()));
        let by_header = || link::next(link.iter().filter_map(|value| value.to_str().ok()));
        match &self.style {
            PageStyle::OData => answer.next_link().map(absolute),
            PageStyle::Link => by_header().map(absolute),
            PageStyle::Links => answer.next_link().or_else(by_header).map(absolute),
            PageStyle::Cursor { next, .. } => answer.scalar(next).map(Place::Value),
            PageStyle::Offset { more, .. } => {
                let from = match at.place() {
                    Place::Number(number) => *number,
                    _ => 0,
                };
                let step = match answer.items.len() as u64 {
                    0 => u64::from(self.size.as_ref()?.size),
                    some => some,
                };
                let to = from + step;
                self.goes_on(more.as_ref(), answer, to)
                    .then_some(Place::Number(to))
            }
            PageStyle::Number { first, more, .. } => {
                let number = match at.place() {
                    Place::Number(number) => *number,
                    _ => *first,
                };
                let pages = number.saturating_sub(*first) + 1;
                let reached = match &self.size {
                    Some(size) => pages * u64::from(size.size),
                    None => at.items() + answer.items.len() as u64,
                };
                self.goes_on(more.as_ref(), answer, reached)
                    .then_some(Place::Number(number + 1))
            }
        }
    }

    /// Whether a counting style goes on once so many items were passed.
    fn goes_on(&self, more: Option<&More>, answer: &Answer<'_>, reached: u64) -> bool {
        match more {
            None => !answer.items.is_empty(),
            Some(More::Total(pointer)) => {
                // An empty page is passed over only if the next one's place does not depend on it.
                (self.size.is_some() || !answer.items.is_empty())
                    && answer.number(pointer).is_some_and(|total| reached < total)
            }
            Some(More::Flag(pointer)) => answer.flag(pointer),
        }
    }

    /// Takes off the parameter of a query key, which some APIs write into their links.
    fn without_key(&self, link: &str) -> String {
        let Ok(Credential::Query(name, ..)) = &self.loaded.credential else {
            return link.to_owned();
        };
        let Ok(mut url) = Url::parse(link) else {
            return link.to_owned();
        };
        let kept: Vec<&str> = url
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| {
                url::form_urlencoded::parse(pair.as_bytes())
                    .next()
                    .is_none_or(|(given, _)| given != name.as_str())
            })
            .collect();
        let query = kept.join("&");
        url.set_query((!query.is_empty()).then_some(query.as_str()));
        url.to_string()
    }

    /// Leaves out what a cursor has passed already and what is too much.
    fn cut(
        &self,
        items: &[&RawValue],
        following: Option<Place>,
        at: PageCursor,
    ) -> (Vec<Box<RawValue>>, Option<PageCursor>) {
        let all = items.len();
        let skip = usize::try_from(at.skip()).unwrap_or(usize::MAX).min(all);
        let left = self.paging.max_items.map_or(usize::MAX, |most| {
            usize::try_from(most.saturating_sub(at.items())).unwrap_or(usize::MAX)
        });
        let take = (all - skip).min(left);
        let items: Vec<Box<RawValue>> = items[skip..skip + take]
            .iter()
            .map(|item| (*item).to_owned())
            .collect();
        let next = if skip + take < all {
            Some(at.within((skip + take) as u64, take as u64))
        } else {
            following.map(|place| at.to(place, take as u64))
        };
        (items, next)
    }
}

/// Whether a request says itself how large a page is to be, or asks where Graph takes no size.
fn has_size(request: &ApiRequest) -> bool {
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let last = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let own = |name: &str| name.eq_ignore_ascii_case("$top") || name.eq_ignore_ascii_case("top");
    last.starts_with("delta")
        || request.query.iter().any(|(name, _)| own(name))
        || url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| own(&name))
}

/// Sets a query parameter, wherever the caller wrote it.
fn set(request: &mut ApiRequest, parameter: &str, value: String) {
    request.query.retain(|(name, _)| name != parameter);
    if let Some((path, query)) = request.target.split_once('?') {
        let kept: Vec<&str> = query
            .split('&')
            .filter(|pair| {
                url::form_urlencoded::parse(pair.as_bytes())
                    .next()
                    .is_none_or(|(name, _)| name != parameter)
            })
            .collect();
        request.target = if kept.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", kept.join("&"))
        };
    }
    request.query.push((parameter.to_owned(), value));
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn a_parameter_is_set_once_wherever_it_stood() {
        let check = |target: &str, query: &[(&str, &str)], expected: &str| {
            let mut request = ApiRequest::new(Method::GET, target);
            request.query = query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            set(&mut request, "page", "3".to_owned());
            let query: Vec<String> = request
                .query
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            assert_eq!(format!("{} {}", request.target, query.join("&")), expected);
        };
        check("/users", &[], "/users page=3");
        check("/users?page=1&a=b", &[("page", "2")], "/users?a=b page=3");
        check("/users?page=1", &[("c", "d")], "/users c=d&page=3");
    }

    #[test]
    fn a_size_of_the_callers_own_is_known() {
        let check = |target: &str, expected: bool| {
            let request = ApiRequest::new(Method::GET, target);
            assert_eq!(has_size(&request), expected, "{target}");
        };
        check("/users", false);
        check("/users?$select=id", false);
        check("/users?$top=5", true);
        check("/users?%24top=5", true);
        check("/users?top=5", true);
        check("/users/delta", true);
        check("/users/delta?$select=id", true);
    }
}
