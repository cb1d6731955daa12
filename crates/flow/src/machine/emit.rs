//! `emit`: publishes an event; the output is the event. What the author left out follows from the run: id from its seed, time from its clock.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Machine;
use super::evaluate::{About, Stop, shortened, wrong_type};
use super::frame::{Body, Frame};
use super::outbox::Part;
use super::walk::Turn;
use crate::definition::Template;
use crate::fault::{Fault, FaultType};
use crate::{CloudEvent, Command};

impl Machine {
    pub(super) fn emit(
        &mut self,
        frame: &mut Frame,
        with: &IndexMap<String, Template>,
    ) -> Result<Turn, Stop> {
        match std::mem::take(&mut frame.body) {
            Body::Fresh => {
                let attributes = self.attributes(frame, with)?;
                let id = self.id(frame, "");
                let mut structured = Map::with_capacity(attributes.len() + 3);
                structured.insert("specversion".to_owned(), "1.0".into());
                structured.insert("id".to_owned(), self.event_id(&id).into());
                structured.insert("time".to_owned(), self.now.to_string().into());
                for (name, value) in attributes {
                    match (name.as_str(), value) {
                        ("specversion", _) | (_, Value::Null) => {}
                        ("extensions", Value::Object(extensions)) => structured.extend(extensions),
                        (_, value) => {
                            structured.insert(name, value);
                        }
                    }
                }
                let event =
                    CloudEvent::from_structured(Value::Object(structured)).map_err(|why| {
                        Fault::new(
                            FaultType::Expression,
                            format!("the event cannot be published: {why}"),
                        )
                        .code("event.invalid")
                    })?;
                frame.body = Body::Out;
                self.command(
                    frame,
                    Part::Body,
                    Command::Emit {
                        id,
                        event: Box::new(event),
                    },
                );
                Ok(Turn::Wait)
            }
            Body::Answered(event) => Ok(Turn::Done(Arc::new(event))),
            other => {
                frame.body = other;
                Ok(Turn::Wait)
            }
        }
    }

    fn attributes(
        &mut self,
        frame: &mut Frame,
        with: &IndexMap<String, Template>,
    ) -> Result<Vec<(String, Value)>, Stop> {
        let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
        let mut about = About::new("emit", &input, &scope);
        let mut asked = false;
        let mut attributes = Vec::with_capacity(with.len());
        for (name, template) in with {
            match self.template(frame, &mut about, template) {
                Ok(value) => {
                    if name != "data"
                        && name != "extensions"
                        && (value.is_object() || value.is_array())
                    {
                        return Err(wrong_type(format!("the attribute {name} of an event must be text; the expression yielded {}", shortened(&value)))
                        .into());
                    }
                    attributes.push((name.clone(), value));
                }
                Err(Stop::Asked) => asked = true,
                Err(stop) => return Err(stop),
            }
        }
        if asked {
            Err(Stop::Asked)
        } else {
            Ok(attributes)
        }
    }
}
