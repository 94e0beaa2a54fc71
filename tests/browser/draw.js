// Draws the charts of the page, and notes how high it is then
mermaid.initialize({ startOnLoad: false, theme: 'default' })
window.addEventListener('load', async () => {
  await mermaid.run()
  document.body.dataset.height = document.documentElement.scrollHeight
})
