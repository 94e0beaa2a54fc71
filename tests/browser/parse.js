// Writes what kind of diagram Mermaid takes each of the page's blocks for, or what it has against it
mermaid.initialize({ startOnLoad: false })
const tried = async (text, place) => {
  try {
    const { diagramType } = await mermaid.parse(text)
    const { svg } = await mermaid.render(`chart${place}`, text)
    const odd = /NaN|Infinity|undefined/.exec(svg)
    return odd ? `it is drawn with ${odd[0]}` : diagramType
  } catch (error) {
    return `${error}`
  }
}
window.addEventListener('load', async () => {
  const found = []
  for (const [place, text] of JSON.parse(document.getElementById('blocks').textContent).entries())
    found.push(await tried(text, place))
  document.body.innerHTML = '<pre></pre>'
  document.body.firstChild.textContent = JSON.stringify(found)
})
