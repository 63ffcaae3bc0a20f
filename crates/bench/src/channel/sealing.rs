//! Seal and open against what their two primitives need at least, in the same run.

use std::hint::black_box;

use anyhow::{Context as _, Result};
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use hpke::{Kem as _, OpModeR, OpModeS, aead, kdf::HkdfSha256, kem::XWing};
use protocol::seal::{Identity, open, seal};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::figure::{Bar, Report, cpu_seconds};

const BYTES: usize = 8 * 1_024 * 1_024;
const CHUNK: usize = 64 * 1_024;
const RECIPIENTS: usize = 10;
/// Stanzas of a file for ten recipients: their number is padded.
const STANZAS: f64 = 16.0;
/// Stanzas that a recipient tries on average before its own, which lies anywhere among them.
const TRIES: f64 = (STANZAS + 1.0) / 2.0;

pub(super) fn run(report: &mut Report) -> Result<()> {
    let (kem_seal, kem_open) = x_wing_seconds()?;
    let cipher = cipher_seconds()?;
    let (sealed, opened) = seal_and_open_seconds()?;
    let limit = 2.0 * cipher + STANZAS * kem_seal + TRIES * kem_open;
    let size = BYTES as f64 / 1e6;
    report.add("ChaCha20-Poly1305, 64 KiB chunks", size / cipher, "MB/s", Bar::None);
    report.add("X-Wing through HPKE, seal", 1.0 / kem_seal, "/s", Bar::None);
    report.add("X-Wing through HPKE, open", 1.0 / kem_open, "/s", Bar::None);
    report.add("seal 8 MiB for 10 recipients", sealed * 1e3, "ms", Bar::None);
    report.add("open 8 MiB for 10 recipients", opened * 1e3, "ms", Bar::None);
    let share = limit / (sealed + opened);
    report.add("seal and open against the limit", share * 100.0, "%", Bar::AtLeast(70.0));
    Ok(())
}

/// CPU seconds of one HPKE seal and one open of a file key.
fn x_wing_seconds() -> Result<(f64, f64)> {
    type Cipher = aead::ChaCha20Poly1305;
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let (private, public) = XWing::gen_keypair_with_rng(&mut rng);
    let mut seal = || {
        hpke::single_shot_seal_with_rng::<Cipher, HkdfSha256, XWing>(
            &OpModeS::Base,
            &public,
            b"bench",
            &[0; 16],
            &[],
            &mut rng,
        )
    };
    let (enc, body) = seal().ok().context("HPKE does not seal")?;
    let sealed = cpu_seconds(|| {
        let _ = black_box(seal());
    });
    let opened = cpu_seconds(|| {
        let _ = black_box(hpke::single_shot_open::<Cipher, HkdfSha256, XWing>(
            &OpModeR::Base,
            &private,
            &enc,
            b"bench",
            &body,
            &[],
        ));
    });
    Ok((sealed, opened))
}

/// CPU seconds of the raw cipher over the whole, in place, chunk by chunk.
fn cipher_seconds() -> Result<f64> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, &[1; 32]).ok().context("no key")?;
    let key = LessSafeKey::new(key);
    let mut bytes = vec![7; BYTES];
    Ok(cpu_seconds(|| {
        for chunk in bytes.chunks_mut(CHUNK) {
            let nonce = Nonce::assume_unique_for_key([0; 12]);
            let _ = black_box(key.seal_in_place_separate_tag(nonce, Aad::empty(), chunk));
        }
    }))
}

/// CPU seconds of the whole seal, and of opening by each recipient on average.
fn seal_and_open_seconds() -> Result<(f64, f64)> {
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    let identities =
        (0..RECIPIENTS).map(|_| Identity::generate(&mut rng)).collect::<Result<Vec<_>, _>>()?;
    let recipients: Vec<_> = identities.iter().map(Identity::recipient).collect();
    let plain = vec![7; BYTES];
    let sealed = cpu_seconds(|| {
        let _ = black_box(seal(&plain, &recipients, &mut rng));
    });
    // Files of several shuffles, so that no lucky place decides.
    let files =
        (0..4).map(|_| seal(&plain, &recipients, &mut rng)).collect::<Result<Vec<_>, _>>()?;
    let opened = cpu_seconds(|| {
        for file in &files {
            for identity in &identities {
                let _ = black_box(open(file, std::slice::from_ref(identity)));
            }
        }
    });
    Ok((sealed, opened / (files.len() * identities.len()) as f64))
}
