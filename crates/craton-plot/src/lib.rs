//! Turns blocks of values into pictures.
//!
//! Takes blocks and plain numbers; gives PNG, SVG and text. Never reads, opens a window, or knows a calendar: whoever
//! calls brings axes and their ticks. Font, coastlines and colour maps are bundled; nothing of the system is used.
//!
//! A plot is drawn in three steps. A `Sheet` ([`map::Sheet`], [`grid::Sheet`]) settles where everything goes and so how
//! many pixels the field has; a [`reduce::Reduction`] takes the field's blocks, in any order, and keeps no more than those
//! pixels; the sheet then makes a [`drawing::Drawing`] of it, which [`raster::png`] and [`svg::svg`] write.

pub mod axis;
mod coast;
pub mod colour;
pub mod drawing;
pub mod figure;
pub mod font;
pub mod grid;
pub mod line;
pub mod map;
pub mod projection;
pub mod raster;
pub mod reduce;
pub mod svg;
pub mod terminal;
