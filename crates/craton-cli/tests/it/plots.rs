//! Pictures: those of docs/plots.md are made anew and compared, and what is drawn is what was asked for.

use crate::data::{Floats, write_group};
use crate::outcome::{command, craton, run};
use serde_json::json;
use std::collections::HashMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// A decoded picture.
struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
    texts: HashMap<String, String>,
}

fn decode(bytes: &[u8]) -> Picture {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut data).unwrap();
    assert_eq!(frame.color_type, png::ColorType::Rgb);
    let texts = reader.info().utf8_text.iter();
    let texts = texts.map(|text| (text.keyword.clone(), text.get_text().unwrap()));
    Picture {
        width: frame.width as usize,
        texts: texts.collect(),
        pixels: data[..frame.buffer_size()]
            .chunks_exact(3)
            .map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect(),
    }
}

impl Picture {
    fn of(path: &Path) -> Self {
        decode(&fs::read(path).unwrap())
    }

    fn count(&self, colour: [u8; 3]) -> usize {
        self.pixels.iter().filter(|pixel| **pixel == colour).count()
    }

    /// The first pixel of a colour, from the left and from the top.
    fn left_and_top(&self, colour: [u8; 3]) -> (usize, usize) {
        let places = || {
            self.pixels
                .iter()
                .enumerate()
                .filter(|(_, pixel)| **pixel == colour)
        };
        let left = places().map(|(at, _)| at % self.width).min().unwrap();
        let top = places().map(|(at, _)| at / self.width).min().unwrap();
        (left, top)
    }
}

const VIRIDIS_LOW: [u8; 3] = [68, 1, 84];
const VIRIDIS_HIGH: [u8; 3] = [253, 231, 37];
const MISSING: [u8; 3] = [212, 212, 212];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// The arguments of a command as a shell would split it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut is_word) = (false, false);
    for letter in line.chars() {
        match letter {
            '\'' => (quoted, is_word) = (!quoted, true),
            ' ' if !quoted => {
                if is_word {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            letter => {
                word.push(letter);
                is_word = true;
            }
        }
    }
    words.push(word);
    words
}

/// How much pictures may differ: letters and lines are smoothed a little differently on other processors.
#[test]
fn the_pictures_of_the_docs_are_as_committed() {
    let page = fs::read_to_string(docs().join("plots.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let commands: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("craton plot '"))
        .collect();
    assert!(commands.len() > 10);
    let is_renewed = std::env::var("INSTA_UPDATE").is_ok_and(|text| text == "always");
    for line in commands {
        let mut words = words(line);
        let name = words.pop().unwrap();
        assert_eq!(words.pop().unwrap(), "-o");
        let made = folder.path().join(&name);
        let mut craton = command(&words.iter().skip(1).map(String::as_str).collect::<Vec<_>>());
        craton
            .arg("-o")
            .arg(&made)
            .current_dir(docs().join("plots"));
        run(craton).good();
        let committed = docs().join("plots").join(&name);
        if is_renewed {
            fs::copy(&made, &committed).unwrap();
            continue;
        }
        let (found, wanted) = (Picture::of(&made), Picture::of(&committed));
        assert_eq!(found.width, wanted.width, "{name}");
        assert_eq!(found.pixels.len(), wanted.pixels.len(), "{name}");
        let mut far = 0;
        for (found, wanted) in found.pixels.iter().zip(&wanted.pixels) {
            let most = (0..3)
                .map(|channel| found[channel].abs_diff(wanted[channel]))
                .max();
            far += usize::from(most > Some(24));
        }
        let share = far as f64 / found.pixels.len() as f64;
        assert!(
            share < 0.002,
            "{name}: {:.3} % of the pixels differ",
            share * 100.0
        );
        assert!(
            page.contains(&format!("(plots/{name})")),
            "{name} is not shown"
        );
    }
}

/// Latitudes rise or fall, longitudes begin at Greenwich or the date line: the value is its number.
fn write_halves(folder: &Path, first_lon: f32, is_rising: bool) {
    let lon = |at: usize| -175.0 + 10.0 * at as f32;
    let lon_east = |at: usize| 5.0 + 10.0 * at as f32;
    let rising = |at: usize| -85.0 + 10.0 * at as f32;
    let falling = |at: usize| 85.0 - 10.0 * at as f32;
    // 1 north of the equator, and east of Greenwich; NaN in the north west; else 0.
    let value: fn(usize) -> f32 = match (first_lon < 0.0, is_rising) {
        (true, true) => |at| quarter(at % 36 >= 18, at / 36 >= 9),
        (true, false) => |at| quarter(at % 36 >= 18, at / 36 < 9),
        (false, true) => |at| quarter(at % 36 < 18, at / 36 >= 9),
        (false, false) => |at| quarter(at % 36 < 18, at / 36 < 9),
    };
    let axis = |name, length, value, units| Floats {
        name,
        dims: if name == "lat" { &["lat"] } else { &["lon"] },
        shape: if length == 18 { &[18] } else { &[36] },
        chunks: if length == 18 { &[18] } else { &[36] },
        attributes: json!({"units": units}),
        value,
    };
    write_group(
        folder,
        &[
            Floats {
                name: "v",
                dims: &["lat", "lon"],
                shape: &[18, 36],
                chunks: &[6, 12],
                attributes: json!({"long_name": "halves"}),
                value,
            },
            axis(
                "lat",
                18,
                if is_rising { rising } else { falling },
                "degrees_north",
            ),
            axis(
                "lon",
                36,
                if first_lon < 0.0 { lon } else { lon_east },
                "degrees_east",
            ),
        ],
    );
}

fn quarter(is_east: bool, is_north: bool) -> f32 {
    match (is_east, is_north) {
        (true, true) => 1.0,
        (false, true) => f32::NAN,
        _ => 0.0,
    }
}

#[test]
fn north_is_up_and_east_is_right_however_the_axes_run() {
    let folder = tempfile::tempdir().unwrap();
    for (first_lon, is_rising) in [(-180.0, true), (-180.0, false), (0.0, true), (0.0, false)] {
        let data = folder.path().join(format!("{first_lon}{is_rising}.zarr"));
        write_halves(&data, first_lon, is_rising);
        for projection in ["platecarree", "robinson:0"] {
            let out = folder.path().join("out.png");
            craton(&[
                "plot",
                "ds.v",
                data.to_str().unwrap(),
                "-o",
                out.to_str().unwrap(),
                "--overwrite",
                "--vmin",
                "0",
                "--vmax",
                "1",
                "--region",
                "-180,180,-90,90",
                "--projection",
                projection,
                "--size",
                "700",
            ])
            .good();
            let picture = Picture::of(&out);
            let what = format!("{first_lon} {is_rising} {projection}");
            for colour in [VIRIDIS_LOW, VIRIDIS_HIGH, MISSING] {
                assert!(picture.count(colour) > 20_000, "{what} {colour:?}");
            }
            let (high_left, high_top) = picture.left_and_top(VIRIDIS_HIGH);
            let (missing_left, missing_top) = picture.left_and_top(MISSING);
            let (low_left, low_top) = picture.left_and_top(VIRIDIS_LOW);
            assert!(missing_left + 200 < high_left, "{what}");
            assert!(low_left < missing_left + 40, "{what}");
            assert!(
                high_top.abs_diff(missing_top) < 4 && low_top > high_top + 100,
                "{what}"
            );
        }
    }
}

#[test]
fn a_picture_carries_its_recipe_and_is_not_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("v.zarr");
    write_halves(&data, 0.0, true);
    let data = data.to_str().unwrap();
    for ending in ["png", "svg"] {
        let out = folder.path().join(format!("out.{ending}"));
        let out = out.to_str().unwrap();
        craton(&["eval", "ds.v.mean(\"lon\")", data, "-o", out]).good();
        let again = craton(&["plot", "ds.v", data, "-o", out]);
        assert!(again.bad(10).contains("exists already"));
        assert!(again.bad(10).contains("--overwrite"));
        let bytes = fs::read(out).unwrap();
        let recipe = match ending {
            "png" => decode(&bytes).texts["craton_recipe"].clone(),
            _ => String::from_utf8(bytes).unwrap().replace("&quot;", "\""),
        };
        assert!(
            recipe.contains(r#""expression":"ds.v.mean(\"lon\")""#),
            "{recipe}"
        );
    }
    let names = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 3, "something temporary is left");
}

#[test]
fn what_cannot_be_drawn_says_what_could() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("w.zarr");
    write_group(
        &data,
        &[Floats {
            name: "v",
            dims: &["time", "level", "lat", "lon"],
            shape: &[2, 3, 4, 5],
            chunks: &[2, 3, 4, 5],
            attributes: json!({}),
            value: |at| at as f32,
        }],
    );
    let data = data.to_str().unwrap();
    let out = folder.path().join("out.png");
    let out = out.to_str().unwrap();
    let report = |arguments: &[&str]| {
        let outcome = craton(&[&["plot"], arguments].concat());
        assert_ne!(outcome.code, Some(0));
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
        outcome.stderr
    };
    let four = report(&["ds.v", data, "-o", out]);
    assert!(
        four.contains("(time: 2, level: 3, lat: 4, lon: 5)"),
        "{four}"
    );
    assert!(four.contains("`.isel(time=0, level=0)`"), "{four}");
    assert!(report(&["ds.v.mean()", data, "-o", out]).contains("single value"));
    assert!(report(&["ds.v", data, "-o", "out.gif"]).contains(".png and .svg"));
    assert!(report(&["ds.v", data, "-o", out, "--cmap", "jet"]).contains("viridis"));
    assert!(
        report(&["ds.v", data, "-o", out, "--region", "1,2"]).contains("west,east,south,north")
    );
    assert!(report(&["ds.v", data, "-o", out, "--size", "0"]).contains("1200x800"));
    assert!(report(&["ds.v", data]).contains("--term"));
    assert!(!Path::new(out).exists());
    let drawn = craton(&["plot", "ds.v.isel(time=0, level=0)", data, "--term"]).good();
    assert!(drawn.lines().count() > 2, "{drawn}");
}

#[test]
fn one_cell_among_millions_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("big.zarr");
    write_group(
        &data,
        &[Floats {
            name: "v",
            dims: &["y", "x"],
            shape: &[1500, 2000],
            chunks: &[500, 500],
            attributes: json!({}),
            value: |at| if at == 1_234_567 { 1.0 } else { 0.0 },
        }],
    );
    let out = folder.path().join("out.png");
    craton(&[
        "plot",
        "ds.v",
        data.to_str().unwrap(),
        "-o",
        out.to_str().unwrap(),
        "--full-range",
        "--size",
        "400x300",
    ])
    .good();
    // The colour bar ends in that colour, too.
    let picture = Picture::of(&out);
    let in_panel = picture
        .pixels
        .iter()
        .enumerate()
        .filter(|(at, pixel)| at % picture.width < 300 && **pixel == VIRIDIS_HIGH)
        .count();
    assert!((1..=4).contains(&in_panel), "{in_panel}");
}
