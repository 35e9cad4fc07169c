//! What part of the globe a map shows, and its outline.

use crate::projection::{Projection, east_of};
use craton_core::{Error, Result};

/// A part of the globe in degrees; `east` lies above `west` by 360 at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GlobeRegion {
    /// The western edge.
    pub west: f64,
    /// The eastern edge.
    pub east: f64,
    /// The southern edge.
    pub south: f64,
    /// The northern edge.
    pub north: f64,
}

impl GlobeRegion {
    /// The region of a text such as `-30,60,20,75`: west, east, south, north.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Usage`] that shows the form.
    pub fn from_text(text: &str) -> Result<Self> {
        let numbers: Vec<f64> = text
            .split(',')
            .filter_map(|part| part.trim().parse().ok())
            .filter(|value: &f64| value.is_finite())
            .collect();
        let refuse = |why: &str| {
            Error::usage(format!("`{text}` is no region: {why}"))
                .hint("write west,east,south,north in degrees, such as `--region=-30,60,20,75`")
        };
        let [west, east, south, north] = numbers[..] else {
            return Err(refuse("it is not four numbers"));
        };
        if !(south < north && south >= -90.0 && north <= 90.0) {
            return Err(refuse("the latitudes do not rise from -90 to 90"));
        }
        if west == east || (east - west).abs() > 360.0 || west.abs() > 720.0 || east.abs() > 720.0 {
            return Err(refuse(
                "the longitudes span nothing, or more than the globe",
            ));
        }
        // 350 to 10 is the twenty degrees across Greenwich.
        let east = if east > west {
            east
        } else {
            east_of(east, west)
        };
        Ok(Self {
            west,
            east,
            south,
            north,
        })
    }

    /// Whether all longitudes are inside.
    #[must_use]
    pub fn is_around(&self) -> bool {
        self.east - self.west >= 359.999
    }

    /// Longitude and latitude of the middle.
    #[must_use]
    pub fn middle(&self) -> (f64, f64) {
        (
            f64::midpoint(self.west, self.east),
            f64::midpoint(self.south, self.north),
        )
    }
}

/// A region in a projection.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The projection.
    pub projection: Projection,
    /// The region.
    pub region: GlobeRegion,
    /// The outline on the plane, closed.
    pub(crate) outline: Vec<(f64, f64)>,
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
    pub(crate) top: f64,
}

impl View {
    /// The view of `region`; of the part of it that the projection can show.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Usage`] if it can show nothing of it.
    pub fn new(projection: Projection, region: GlobeRegion) -> Result<Self> {
        let mut region = region;
        match projection {
            Projection::NorthPolar(_) => region.south = region.south.max(-60.0),
            Projection::SouthPolar(_) => region.north = region.north.min(60.0),
            // What lies on the far side of a round seam is seen on the near side.
            Projection::Robinson(middle) if region.is_around() => {
                (region.west, region.east) = (middle - 180.0, middle + 180.0);
            }
            Projection::Robinson(middle) => {
                let width = region.east - region.west;
                region.west = east_of(region.west, middle - 180.0);
                region.east = region.west + width;
            }
            _ => {}
        }
        let outline = outline(projection, &region);
        let bounds = outline.iter().fold(
            (
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::INFINITY,
                f64::NEG_INFINITY,
            ),
            |(left, right, bottom, top), (x, y)| {
                (left.min(*x), right.max(*x), bottom.min(*y), top.max(*y))
            },
        );
        let (left, right, bottom, top) = bounds;
        if !(right - left > 1e-9 && top - bottom > 1e-9) {
            return Err(Error::usage("the projection shows nothing of the region")
                .hint("another `--projection` or `--region` does"));
        }
        Ok(Self {
            projection,
            region,
            outline,
            left,
            right,
            bottom,
            top,
        })
    }

    /// How much wider than high the map is. Far from the equator a degree of longitude is short: small maps keep shapes.
    pub(crate) fn aspect(&self) -> f64 {
        let plain = (self.right - self.left) / (self.top - self.bottom);
        let (_, lat) = self.region.middle();
        if self.projection.is_plate_carree() && self.region.north - self.region.south < 80.0 {
            plain * lat.to_radians().cos().max(0.2)
        } else {
            plain
        }
    }

    /// The point at shares of the map's width and height from its upper left; `None` outside of the region.
    pub(crate) fn point(&self, across: f64, down: f64) -> Option<(f64, f64)> {
        let x = self.left + (self.right - self.left) * across;
        let y = self.top - (self.top - self.bottom) * down;
        let (lon, lat) = self.projection.inverse(x, y)?;
        self.shows(lon, lat).then_some((lon, lat))
    }

    fn shows(&self, lon: f64, lat: f64) -> bool {
        let GlobeRegion {
            west,
            east,
            south,
            north,
        } = self.region;
        if matches!(self.projection, Projection::Orthographic(..)) {
            return true;
        }
        let inside = self.region.is_around() || east_of(lon, west) <= east;
        inside && lat >= south - 1e-9 && lat <= north + 1e-9
    }

    /// Shares of the map's width and height from its upper left for a place on the plane.
    pub(crate) fn share(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (
            (x - self.left) / (self.right - self.left),
            (self.top - y) / (self.top - self.bottom),
        )
    }

    /// A line between points of the globe as lines on the map, broken where it cannot be seen and at the map's sides.
    pub(crate) fn lines(&self, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let west = self.region.middle().0 - 180.0;
        let has_sides = self.projection.has_sides();
        let mut lines = Vec::new();
        let mut line: Vec<(f64, f64)> = Vec::new();
        let mut last: Option<(f64, f64)> = None;
        for (lon, lat) in points {
            let lon = if has_sides { east_of(*lon, west) } else { *lon };
            let is_over = |(before, _): &(f64, f64)| has_sides && (lon - before).abs() > 180.0;
            if let Some((lon_before, lat_before)) = last.filter(is_over) {
                // To a point beyond this side, and on from a point beyond the other.
                let turn = if lon > lon_before { -360.0 } else { 360.0 };
                line.extend(self.projection.forward(lon + turn, *lat));
                lines.push(std::mem::take(&mut line));
                line.extend(self.projection.forward(lon_before - turn, lat_before));
            }
            match self.projection.forward(lon, *lat) {
                Some(place) => line.push(place),
                None => lines.push(std::mem::take(&mut line)),
            }
            last = Some((lon, *lat));
        }
        lines.push(line);
        lines.retain(|line| line.len() > 1);
        lines
    }
}

/// The edge of a region on the plane.
fn outline(projection: Projection, region: &GlobeRegion) -> Vec<(f64, f64)> {
    const STEPS: u32 = 180;
    let around = |radius: f64| {
        let corner = |step: u32| {
            let (sine, cosine) = (f64::from(step) / 360.0 * std::f64::consts::TAU).sin_cos();
            (radius * cosine, radius * sine)
        };
        (0..=360).map(corner).collect()
    };
    match projection {
        Projection::Orthographic(..) => return around(1.0),
        Projection::NorthPolar(middle) if region.is_around() => {
            let edge = projection.forward(middle, region.south);
            return around(edge.map_or(0.0, |(_, y)| y.abs()));
        }
        Projection::SouthPolar(middle) if region.is_around() => {
            let edge = projection.forward(middle, region.north);
            return around(edge.map_or(0.0, |(_, y)| y.abs()));
        }
        _ => {}
    }
    let GlobeRegion {
        west,
        east,
        south,
        north,
    } = *region;
    let sides = [
        ((west, south), (east, south)),
        ((east, south), (east, north)),
        ((east, north), (west, north)),
        ((west, north), (west, south)),
    ];
    let mut points = Vec::new();
    for ((lon, lat), (lon_end, lat_end)) in sides {
        for step in 0..STEPS {
            let part = f64::from(step) / f64::from(STEPS);
            let (lon, lat) = (lon + (lon_end - lon) * part, lat + (lat_end - lat) * part);
            points.extend(projection.forward(lon, lat));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(text: &str) -> GlobeRegion {
        GlobeRegion::from_text(text).unwrap()
    }

    #[test]
    fn regions_are_read_and_refused() {
        assert_eq!(region("-30,60,20,75").middle(), (15.0, 47.5));
        assert_eq!(region("350,10,-10,10").east, 370.0);
        assert!(region("-180,180,-90,90").is_around());
        for wrong in [
            "1,2,3",
            "0,10,20,10",
            "0,0,0,1",
            "a,b,c,d",
            "0,361,0,1",
            "0,1,-91,0",
        ] {
            let error = GlobeRegion::from_text(wrong).unwrap_err();
            assert!(error.hint_text().unwrap().contains("west,east"), "{wrong}");
        }
    }

    #[test]
    fn a_line_over_the_date_line_is_broken_there() {
        let globe = View::new(Projection::PlateCarree, region("-180,180,-90,90")).unwrap();
        let lines = globe.lines(&[(170.0, 0.0), (175.0, 1.0), (-175.0, 2.0), (-170.0, 3.0)]);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], [(170.0, 0.0), (175.0, 1.0), (185.0, 2.0)]);
        assert_eq!(lines[1], [(-185.0, 1.0), (-175.0, 2.0), (-170.0, 3.0)]);
        let pacific = View::new(Projection::PlateCarree, region("0,360,-90,90")).unwrap();
        assert_eq!(
            pacific.lines(&[(170.0, 0.0), (-170.0, 3.0)]),
            [[(170.0, 0.0), (190.0, 3.0)]]
        );
    }

    #[test]
    fn outside_of_the_region_is_nothing() {
        let polar = View::new(Projection::NorthPolar(0.0), region("-180,180,50,90")).unwrap();
        assert_eq!(polar.point(0.01, 0.01), None);
        let (_, lat) = polar.point(0.5, 0.5).unwrap();
        assert!((lat - 90.0).abs() < 1e-9);
        let robinson = View::new(Projection::Robinson(180.0), region("0,360,-90,90")).unwrap();
        assert_eq!(robinson.point(0.001, 0.02), None);
        assert!(robinson.point(0.001, 0.5).is_some());
    }
}
