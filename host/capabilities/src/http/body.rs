//! The body of a response, as a guest may read it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use cofferdam_egress::{Body as EgressBody, BodyError, Traffic};
use cofferdam_secrets::{MaskStream, Masker};
use http::HeaderValue;
use http_body::{Body, Frame};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::Error;

use crate::effects::Pending;

use super::errors;

/// A body that is scanned and masked as it streams, and counted for the record.
pub(super) struct Scanned {
    inner: EgressBody,
    masks: Option<(Arc<Masker>, MaskStream)>,
    traffic: Traffic,
    /// Taken when it was concluded.
    effect: Option<Pending>,
    /// What was read after the last piece of data: it comes after what the scan still holds.
    after: Option<Frame<Bytes>>,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

impl Scanned {
    pub(super) fn new(
        inner: EgressBody,
        masker: &Arc<Masker>,
        traffic: Traffic,
        effect: Pending,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let masks = (!masker.is_empty()).then(|| (masker.clone(), masker.stream()));
        Self { inner, masks, traffic, effect: Some(effect), after: None, ended: false, _place: place }
    }

    fn conclude(&mut self, error: Option<&BodyError>) {
        let Some(effect) = self.effect.take() else { return };
        effect.sent(self.traffic.sent());
        effect.received(self.traffic.received());
        match error {
            None => effect.allowed(),
            Some(BodyError::Egress(error)) if error.code() == "response-too-large" => effect.refused(error.to_string()),
            Some(error) => effect.failed(error.to_string()),
        }
    }

    /// What the scan held back, at the end of the data.
    fn rest(&mut self) -> Option<Bytes> {
        let (_, mut stream) = self.masks.take()?;
        Some(stream.finish()).filter(|rest| !rest.is_empty())
    }
}

impl Body for Scanned {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            if let Some(frame) = self.after.take() {
                return Poll::Ready(Some(Ok(frame)));
            }
            if self.ended {
                self.conclude(None);
                return Poll::Ready(None);
            }
            let frame = match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    self.ended = true;
                    // What is held back stays so: the guest has an incomplete answer in any case.
                    self.masks = None;
                    self.conclude(Some(&error));
                    return Poll::Ready(Some(Err(errors::of_body(&error))));
                }
                None => {
                    self.ended = true;
                    match self.rest() {
                        Some(rest) => return Poll::Ready(Some(Ok(Frame::data(rest)))),
                        None => continue,
                    }
                }
            };
            let frame = match frame.into_data() {
                Ok(data) => {
                    let data = match &mut self.masks {
                        Some((_, stream)) => stream.push(data),
                        None => data,
                    };
                    // All of it may be held back for now.
                    if data.is_empty() {
                        continue;
                    }
                    Frame::data(data)
                }
                Err(frame) => {
                    let Ok(mut trailers) = frame.into_trailers() else { continue };
                    if let Some((masker, _)) = &self.masks {
                        for value in trailers.values_mut() {
                            *value = HeaderValue::from_bytes(&masker.bytes(value.as_bytes()))
                                .unwrap_or(HeaderValue::from_static(""));
                        }
                    }
                    self.after = Some(Frame::trailers(trailers));
                    match self.rest() {
                        Some(rest) => Frame::data(rest),
                        None => continue,
                    }
                }
            };
            return Poll::Ready(Some(Ok(frame)));
        }
    }
}

impl Drop for Scanned {
    fn drop(&mut self) {
        // A guest that read as much as it wanted did nothing wrong.
        self.conclude(None);
    }
}
