//! `craton plot EXPR [NAME=]URL... [-o OUT.png|svg]`

use super::asked::{Asked, Work, stdout_error};
use crate::progress::Progress;
use clap::Args;
use craton::plot::{Kind, PlotOptions};
use craton::{Error, Result};
use craton_plot::colour::ColourMap;
use craton_plot::map::GlobeRegion;
use craton_plot::terminal::{Colours, MapOptions};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// Draw an expression over the data at URLs.
///
/// Two dimensions with longitudes and latitudes are a map, any other two a section or field, one is a line. Colours go from
/// 2 % to 98 % of the values; values on both sides of zero have zero in the middle.
#[derive(Args)]
pub struct Plot {
    #[command(flatten)]
    asked: Asked,
    /// Where the picture goes, by its ending: .png, .svg.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Draw in the terminal; so is what goes nowhere else.
    #[arg(long, conflicts_with = "output")]
    term: bool,
    /// What to draw: map, field, line or histogram; by the result if not given.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// The value of the first colour, or the lower end of the axis.
    #[arg(long, allow_negative_numbers = true)]
    vmin: Option<f64>,
    /// The value of the last colour, or the upper end of the axis.
    #[arg(long, allow_negative_numbers = true)]
    vmax: Option<f64>,
    /// Colours for all values, rather than from 2 % to 98 % of them.
    #[arg(long)]
    full_range: bool,
    /// The colour map, such as viridis, cividis, RdBu_r, vik.
    #[arg(long, value_name = "NAME")]
    cmap: Option<String>,
    /// The title.
    #[arg(long)]
    title: Option<String>,
    /// The part of the globe in degrees: west,east,south,north.
    #[arg(long, value_name = "W,E,S,N", allow_hyphen_values = true)]
    region: Option<String>,
    /// The projection: platecarree, robinson, north, south, orthographic; `orthographic:10,45` names the middle.
    #[arg(long, value_name = "NAME")]
    projection: Option<String>,
    /// Pixels: WIDTH or WIDTHxHEIGHT.
    #[arg(long, value_name = "WxH")]
    size: Option<String>,
    /// Bins of a histogram.
    #[arg(long)]
    bins: Option<usize>,
    #[command(flatten)]
    work: Work,
    /// Replace the picture if it exists.
    #[arg(long)]
    overwrite: bool,
}

impl Plot {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let options = self.options()?;
        let in_terminal = self.term || (self.output.is_none() && std::io::stdout().is_terminal());
        if self.output.is_none() && !in_terminal && !self.work.dry_run {
            return Err(Error::usage("no place for the picture")
                .hint("`-o OUT.png` or `-o OUT.svg` names one, `--term` draws with letters"));
        }
        let session = self.work.limits.session(false);
        let answer = self.work.plan(self.asked, &session)?;
        let explain = || answer.explain(&session);
        if !self.work.begins(&answer, &session, explain)? {
            return Ok(());
        }
        let progress = Progress::watch(&session);
        match &self.output {
            Some(path) => {
                answer.plot_to(path, self.overwrite, &options, &session)?;
                drop(progress);
            }
            None => {
                let text = answer.plot_in_terminal(&options, &terminal(), &session)?;
                let mut out = progress.until_written(std::io::stdout().lock());
                out.write_all(text.as_bytes()).map_err(stdout_error)?;
            }
        }
        self.work.end(&answer, &session);
        Ok(())
    }

    fn options(&self) -> Result<PlotOptions> {
        Ok(PlotOptions {
            kind: self.kind.as_deref().map(Kind::from_name).transpose()?,
            low: self.vmin,
            high: self.vmax,
            is_whole_range: self.full_range,
            map: self.cmap.as_deref().map(ColourMap::from_name).transpose()?,
            title: self.title.clone(),
            region: self
                .region
                .as_deref()
                .map(GlobeRegion::from_text)
                .transpose()?,
            projection: self.projection.clone(),
            size: self.size.as_deref().map(pixels).transpose()?,
            bins: self.bins,
        })
    }
}

/// `1200` or `1200x800`.
fn pixels(text: &str) -> Result<(u32, Option<u32>)> {
    let (width, height) = match text.split_once(['x', 'X', '×']) {
        Some((width, height)) => (width, Some(height)),
        None => (text, None),
    };
    let number = |text: &str| {
        let value = text.trim().parse().ok();
        value
            .filter(|value| (100..=20_000).contains(value))
            .ok_or_else(|| {
                Error::usage(format!("`{text}` is no count of pixels"))
                    .hint("`--size 1200` or `--size 1200x800`, each from 100 to 20000")
            })
    };
    Ok((number(width)?, height.map(number).transpose()?))
}

/// What the terminal shows, and how much.
fn terminal() -> MapOptions {
    let variable = |name: &str| std::env::var(name).ok();
    let number = |name: &str| variable(name).and_then(|text| text.parse::<usize>().ok());
    MapOptions {
        width: number("COLUMNS").unwrap_or(80).clamp(20, 400),
        height: number("LINES")
            .map_or(24, |lines| lines.saturating_sub(4))
            .clamp(6, 200),
        colours: colours(),
        ..MapOptions::default()
    }
}

/// The colours of the terminal that standard output is; none where it is no terminal.
pub(super) fn colours() -> Colours {
    let variable = |name: &str| std::env::var(name).ok();
    match std::io::stdout().is_terminal() {
        true => Colours::of_terminal(
            variable("NO_COLOR").as_deref(),
            variable("COLORTERM").as_deref(),
            variable("TERM").as_deref(),
        ),
        false => Colours::Plain,
    }
}
