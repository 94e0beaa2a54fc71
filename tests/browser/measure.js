// Notes what the page looks like once it is laid out, and what was refused or failed meanwhile
const failed = []
addEventListener('error', (event) => failed.push(String(event.message || event.target.tagName)), true)
addEventListener('securitypolicyviolation', (event) => failed.push(`${event.violatedDirective} ${event.blockedURI}`))
addEventListener('load', () => {
  const size = (one) => one.getBoundingClientRect()
  const colour = (one, name) => getComputedStyle(one).getPropertyValue(name)
  document.body.dataset.measured = JSON.stringify({
    failed,
    loaded: performance.getEntriesByType('resource').map((one) => one.name),
    wide: document.documentElement.scrollWidth - innerWidth,
    charts: [...document.querySelectorAll('svg')].map((one) => [Math.round(size(one).width), Math.round(size(one).height)]),
    drifting: [...document.querySelectorAll('td.drift')].map((one) => colour(one, 'background-color')),
    quiet: [...document.querySelectorAll('td.distance:not(.drift)')].map((one) => colour(one, 'background-color')),
    ink: colour(document.body, 'color'),
    paper: colour(document.body, 'background-color'),
  })
})
