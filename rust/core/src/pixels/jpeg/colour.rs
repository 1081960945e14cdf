//! Turns rows of chroma samples into twice as many as libjpeg-turbo does ("fancy" upsampling: a
//! triangle filter, `jdsample.c`).

/// `h2v1_fancy_upsample`: every sample becomes two, each three parts itself and one part its
/// neighbour; `edges` says whether the first and last sample are those of the picture.
pub(super) fn double(samples: &[u8], edges: (bool, bool), out: &mut [u8]) {
    let pairs = out.as_chunks_mut::<2>().0;
    for (pair, around) in pairs[1..].iter_mut().zip(samples.windows(3)) {
        let [before, here, after] = [0, 1, 2].map(|i| u16::from(around[i]));
        *pair = [
            ((here * 3 + before + 1) >> 2) as u8,
            ((here * 3 + after + 2) >> 2) as u8,
        ];
    }
    let last = samples.len() - 1;
    let at = |index: usize| u16::from(samples[index]);
    if edges.0 {
        pairs[0] = [samples[0], ((at(0) * 3 + at(1.min(last)) + 2) >> 2) as u8];
    }
    if edges.1 {
        let before = at(last.saturating_sub(1));
        pairs[last] = [((at(last) * 3 + before + 1) >> 2) as u8, samples[last]];
    }
}

/// The horizontal half of `h2v2_fancy_upsample`, on sums of three parts one row, one part another.
pub(super) fn double_sums(sums: &[u16], edges: (bool, bool), out: &mut [u8]) {
    let pairs = out.as_chunks_mut::<2>().0;
    for (pair, around) in pairs[1..].iter_mut().zip(sums.windows(3)) {
        let [before, here, after] = [around[0], around[1], around[2]];
        *pair = [
            ((here * 3 + before + 8) >> 4) as u8,
            ((here * 3 + after + 7) >> 4) as u8,
        ];
    }
    let last = sums.len() - 1;
    if edges.0 {
        let after = sums[1.min(last)];
        pairs[0] = [
            ((sums[0] * 4 + 8) >> 4) as u8,
            ((sums[0] * 3 + after + 7) >> 4) as u8,
        ];
    }
    if edges.1 {
        let before = sums[last.saturating_sub(1)];
        pairs[last] = [
            ((sums[last] * 3 + before + 8) >> 4) as u8,
            ((sums[last] * 4 + 7) >> 4) as u8,
        ];
    }
}
