//! Undoes `Content-Encoding` within limits: what comes out is counted, not what came in.
//!
//! The HTTP client is told not to decompress, because only here can both sides be
//! counted: the size cap holds for the decoded bytes, and a bomb is recognised by its ratio.

use std::io::Write;

use bytes::{BufMut, Bytes, BytesMut};
use zstd::stream::raw::{DParameter, Decoder as Zstd};
use zstd::stream::zio::Writer;

/// A body may unpack to at most this many times its packed size.
const RATIO_LIMIT: usize = 100;
/// Below this size the ratio says nothing (a kilobyte of zeros is no attack).
const RATIO_FLOOR: usize = 64 * 1024;

/// The largest window of zstd, as a power of two: 8 MiB, the most that a server may use (RFC 9659 §3).
const ZSTD_WINDOW: u32 = 23;

/// Encodings that are announced in `Accept-Encoding`.
pub(crate) const ACCEPTED: &str = "gzip, br, zstd";

/// Why a body could not be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// More bytes than the limit, or a ratio beyond the limit.
    TooLarge,
    /// The bytes are not what the encoding promises.
    Malformed(&'static str),
}

/// Takes a body in piece by piece and keeps within the limit at every step.
pub(crate) struct Decoder {
    packed: usize,
    kind: Kind,
}

enum Kind {
    Identity(Sink),
    Gzip(Box<flate2::write::MultiGzDecoder<Sink>>),
    Brotli(Box<brotli_decompressor::DecompressorWriter<Sink>>),
    Zstd(Box<Writer<Sink, Zstd<'static>>>),
}

impl Decoder {
    /// Prepares for a body with this `Content-Encoding` and this limit.
    pub(crate) fn new(encoding: Option<&str>, limit: usize) -> Result<Decoder, DecodeError> {
        let sink = Sink {
            taken: BytesMut::new(),
            limit,
            overflow: false,
        };
        let encoding = encoding.unwrap_or("identity").trim();
        let kind = if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") {
            Kind::Identity(sink)
        } else if encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip") {
            Kind::Gzip(Box::new(flate2::write::MultiGzDecoder::new(sink)))
        } else if encoding.eq_ignore_ascii_case("br") {
            Kind::Brotli(Box::new(brotli_decompressor::DecompressorWriter::new(
                sink, 4096,
            )))
        } else if encoding.eq_ignore_ascii_case("zstd") {
            let prepared = Zstd::new().and_then(|mut decoder| {
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW))?;
                Ok(decoder)
            });
            let decoder =
                prepared.map_err(|_| DecodeError::Malformed("zstd can't be unpacked here"))?;
            Kind::Zstd(Box::new(Writer::new(sink, decoder)))
        } else {
            return Err(DecodeError::Malformed(
                "the answer uses a content encoding that was not asked for",
            ));
        };
        Ok(Decoder { packed: 0, kind })
    }

    /// Takes in the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), DecodeError> {
        self.packed += piece.len();
        let written = match &mut self.kind {
            Kind::Identity(sink) => sink.write_all(piece),
            Kind::Gzip(decoder) => decoder.write_all(piece),
            Kind::Brotli(decoder) => decoder.write_all(piece),
            Kind::Zstd(decoder) => decoder.write_all(piece),
        };
        let packed = self.packed;
        let sink = self.sink_mut();
        if sink.overflow || bomb(packed, sink.taken.len()) {
            return Err(DecodeError::TooLarge);
        }
        written.map_err(|_| DecodeError::Malformed("the compressed body is damaged"))
    }

    /// Ends the body.
    pub(crate) fn finish(mut self) -> Result<Bytes, DecodeError> {
        let ended = match &mut self.kind {
            Kind::Identity(_) => true,
            // An answer without a body (to HEAD, 204, 304) may still name an encoding.
            Kind::Gzip(_) | Kind::Brotli(_) | Kind::Zstd(_) if self.packed == 0 => true,
            Kind::Gzip(decoder) => decoder.try_finish().is_ok(),
            Kind::Brotli(decoder) => decoder.close().is_ok(),
            Kind::Zstd(decoder) => decoder.finish().is_ok(),
        };
        let packed = self.packed;
        let sink = self.sink_mut();
        if sink.overflow || bomb(packed, sink.taken.len()) {
            return Err(DecodeError::TooLarge);
        }
        if !ended {
            return Err(DecodeError::Malformed("the compressed body ends too early"));
        }
        Ok(std::mem::take(&mut sink.taken).freeze())
    }

    fn sink_mut(&mut self) -> &mut Sink {
        match &mut self.kind {
            Kind::Identity(sink) => sink,
            Kind::Gzip(decoder) => decoder.get_mut(),
            Kind::Brotli(decoder) => decoder.get_mut(),
            Kind::Zstd(decoder) => decoder.writer_mut(),
        }
    }
}

fn bomb(packed: usize, unpacked: usize) -> bool {
    unpacked > RATIO_FLOOR && unpacked / packed.max(1) > RATIO_LIMIT
}

/// A growing buffer that refuses to grow past its limit.
struct Sink {
    taken: BytesMut,
    limit: usize,
    overflow: bool,
}

impl Write for Sink {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        if self.taken.len() + piece.len() > self.limit {
            self.overflow = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.taken.put_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(plain, 19).unwrap()
    }

    fn decode(encoding: Option<&str>, body: &[u8], limit: usize) -> Result<Bytes, DecodeError> {
        let mut decoder = Decoder::new(encoding, limit)?;
        for piece in body.chunks(1000) {
            decoder.push(piece)?;
        }
        decoder.finish()
    }

    #[test]
    fn the_limit_counts_decoded_bytes() {
        let noise: Vec<u8> = (0..4000u32)
            .flat_map(|i| (i.wrapping_mul(2_654_435_761)).to_le_bytes())
            .collect();
        let packed = gzip(&noise);
        assert_eq!(decode(Some("gzip"), &packed, 16_000).unwrap(), noise);
        assert_eq!(
            decode(Some("gzip"), &packed, 15_999),
            Err(DecodeError::TooLarge)
        );
        assert_eq!(decode(None, &noise, 15_999), Err(DecodeError::TooLarge));
        assert_eq!(decode(None, &noise, 16_000).unwrap(), noise);
    }

    #[test]
    fn a_bomb_is_known_by_its_ratio() {
        let zeros = vec![0; 4 << 20];
        // The same four million zeros, made with the reference tool.
        let brotli = [
            0x9b, 0xff, 0xff, 0x3f, 0xf8, 0x27, 0x00, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x07,
        ];
        for (encoding, packed) in [
            ("gzip", gzip(&zeros)),
            ("br", brotli.to_vec()),
            ("zstd", zstd(&zeros)),
        ] {
            assert!(packed.len() < 8192, "{encoding}: {}", packed.len());
            assert_eq!(
                decode(Some(encoding), &packed, 16 << 20),
                Err(DecodeError::TooLarge),
                "{encoding}"
            );
        }
    }

    #[test]
    fn damage_is_named() {
        let (gzip, zstd) = (gzip(b"hello"), zstd(b"hello"));
        for (encoding, body) in [
            ("gzip", &gzip[..gzip.len() - 3]),
            ("gzip", b"hello there"),
            ("br", &[0xff; 64]),
            ("zstd", &zstd[..zstd.len() - 3]),
            ("zstd", b"hello there"),
            ("compress", b""),
        ] {
            assert!(
                matches!(
                    decode(Some(encoding), body, 100),
                    Err(DecodeError::Malformed(_))
                ),
                "{encoding}"
            );
        }
    }

    #[test]
    fn a_window_larger_than_a_server_may_use_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(ZSTD_WINDOW + 1).unwrap();
        encoder.write_all(&[7; 100]).unwrap();
        let packed = encoder.finish().unwrap();
        assert!(matches!(
            decode(Some("zstd"), &packed, 1 << 20),
            Err(DecodeError::Malformed(_))
        ));
    }

    #[test]
    fn no_body_needs_no_decoding() {
        for encoding in ["gzip", "br", "zstd"] {
            assert!(decode(Some(encoding), b"", 100).unwrap().is_empty());
        }
    }

    #[test]
    fn brotli_and_zstd_are_understood() {
        // "hello" as one uncompressed-looking brotli stream, made with the reference tool.
        let packed = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];
        assert_eq!(decode(Some("br"), &packed, 100).unwrap(), &b"hello"[..]);
        let twice = [zstd(b"hello "), zstd(b"there")].concat();
        assert_eq!(
            decode(Some("zstd"), &twice, 100).unwrap(),
            &b"hello there"[..]
        );
    }
}
