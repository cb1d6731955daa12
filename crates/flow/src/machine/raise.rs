//! `raise`: an error of the author's own. Its `instance` is this task, whatever the author wrote.

use std::sync::Arc;

use serde_json::Value;

use super::Machine;
use super::evaluate::{About, Stop, bounded, shortened, wrong_type};
use super::frame::Frame;
use super::walk::Turn;
use crate::definition::{RaisedError, Template};
use crate::fault::{Fault, FaultType};

impl Machine {
    pub(super) fn raise(&mut self, frame: &mut Frame, error: &RaisedError) -> Result<Turn, Stop> {
        let r#type = self.text(frame, "raise.type", Some(&error.r#type));
        let title = self.text(frame, "raise.title", error.title.as_ref());
        let detail = self.text(frame, "raise.detail", error.detail.as_ref());
        let (r#type, title, detail) = first_fault(r#type, title, detail)?;
        let r#type = r#type.unwrap_or_else(|| FaultType::Runtime.uri());
        let fault = Fault {
            title: title.unwrap_or_else(|| usual_title(&r#type).to_owned()),
            r#type,
            status: error.status,
            detail: detail.map(bounded),
            instance: None,
            code: None,
            retry_after: None,
        };
        Err(fault.into())
    }

    fn text(
        &mut self,
        frame: &mut Frame,
        part: &str,
        template: Option<&Template>,
    ) -> Result<Option<String>, Stop> {
        let Some(template) = template else {
            return Ok(None);
        };
        let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
        match self.template(frame, &mut About::new(part, &input, &scope), template)? {
            Value::String(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            other => Err(wrong_type(format!(
                "{part} must be text; the expression yielded {}",
                shortened(&other)
            ))
            .into()),
        }
    }
}

type Text = Option<String>;

/// All three, or why not: a fault goes before waiting, so that all heavy ones are asked for at once.
fn first_fault(
    r#type: Result<Text, Stop>,
    title: Result<Text, Stop>,
    detail: Result<Text, Stop>,
) -> Result<(Text, Text, Text), Stop> {
    match (r#type, title, detail) {
        (Ok(r#type), Ok(title), Ok(detail)) => Ok((r#type, title, detail)),
        (Err(stop @ (Stop::Fault(_) | Stop::Limit(_))), _, _)
        | (_, Err(stop @ (Stop::Fault(_) | Stop::Limit(_))), _)
        | (_, _, Err(stop @ (Stop::Fault(_) | Stop::Limit(_)))) => Err(stop),
        _ => Err(Stop::Asked),
    }
}

/// The title of a standard type; an error is never without one.
fn usual_title(r#type: &str) -> &'static str {
    const ALL: [FaultType; 8] = [
        FaultType::Configuration,
        FaultType::Validation,
        FaultType::Expression,
        FaultType::Authentication,
        FaultType::Authorization,
        FaultType::Timeout,
        FaultType::Communication,
        FaultType::Runtime,
    ];
    ALL.into_iter()
        .find(|standard| standard.uri() == r#type)
        .map_or("Error", FaultType::title)
}
