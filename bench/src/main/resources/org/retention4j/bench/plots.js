// Draws PLOTS, which the page defines, with Chart.js, which the page holds.
const COLOURS = ["#0b6e99", "#d1495b", "#edae49", "#5b8e7d"];

function dataset(plot, series, index) {
  // A formula and its measurement share a colour.
  const paired = plot.series.some(s => s.dashed);
  const colour = COLOURS[(paired ? Math.floor(index / 2) : index) % COLOURS.length];
  return {
    label: series.name,
    data: plot.places ? series.values.map((y, i) => ({ x: plot.places[i], y })).filter(p => p.y !== null) : series.values,
    borderColor: colour,
    backgroundColor: colour,
    borderDash: series.dashed ? [6, 4] : [],
    borderWidth: 2,
    pointRadius: series.dashed ? 0 : 4,
    spanGaps: true,
  };
}

// A logarithmic axis with ticks where the labels are.
function places(plot) {
  return {
    type: "logarithmic",
    min: plot.places[0],
    max: plot.places[plot.places.length - 1],
    afterBuildTicks: axis => { axis.ticks = plot.places.map(value => ({ value })); },
    ticks: { callback: value => value.toLocaleString("en") },
  };
}

function draw(plot) {
  document.getElementById(plot.id + "-title").textContent = plot.title;
  new Chart(document.getElementById(plot.id), {
    type: plot.kind,
    data: { labels: plot.labels, datasets: plot.series.map((s, i) => dataset(plot, s, i)) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: { legend: { position: "bottom", labels: { usePointStyle: true, pointStyle: plot.kind === "line" ? "line" : "rect" } } },
      scales: {
        x: {
          ...(plot.places ? places(plot) : {}),
          title: { display: plot.x !== "", text: plot.x },
        },
        y: {
          type: plot.logarithmic ? "logarithmic" : "linear",
          beginAtZero: !plot.logarithmic,
          title: { display: true, text: plot.y },
          ticks: { maxTicksLimit: 8, callback: value => value.toLocaleString("en") },
        },
      },
    },
  });
}

PLOTS.forEach(draw);
