//! From a bitmap drawn larger than needed to a PNG with smooth edges.

use crate::error::ChartError;

/// Bytes of a pixel: red, green, blue.
pub(crate) const BYTES_BY_PX: usize = 3;

/// Averages squares of `by` × `by` pixels into one; `width` and `height` are those of the result.
pub(crate) fn shrink(large: &[u8], width: usize, height: usize, by: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(width * height * BYTES_BY_PX);
    let line = width * by * BYTES_BY_PX;
    let parts = (by * by) as u32;
    for y in 0..height {
        for x in 0..width {
            let mut sum = [parts / 2; BYTES_BY_PX];
            for row in 0..by {
                let start = (y * by + row) * line + x * by * BYTES_BY_PX;
                for pixel in large[start..start + by * BYTES_BY_PX].chunks_exact(BYTES_BY_PX) {
                    for (total, byte) in sum.iter_mut().zip(pixel) {
                        *total += u32::from(*byte);
                    }
                }
            }
            out.extend(sum.map(|total| (total / parts) as u8));
        }
    }
    out
}

/// Encodes red, green and blue bytes as a PNG.
pub(crate) fn encode(pixels: &[u8], width: u32, height: u32, dots_by_px: f64) -> Result<Vec<u8>, ChartError> {
    const DOTS_BY_METRE: f64 = 96.0 / 0.0254;
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let density = (DOTS_BY_METRE * dots_by_px).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: density,
        yppu: density,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header().map_err(ChartError::backend)?;
    writer.write_image_data(pixels).map_err(ChartError::backend)?;
    writer.finish().map_err(ChartError::backend)?;
    Ok(out)
}
