# Sourced by each step's bash: runs its script again without the terminal that act gives it, and GitHub does not; before,
# gives an environment that was just made the bytecode of an older one.
if [ -t 1 ] && [ -f "$0" ]; then
  unset BASH_ENV
  options=()
  [[ $- == *e* ]] && options+=(-e)
  [[ :$SHELLOPTS: == *:pipefail:* ]] && options+=(-o pipefail)
  if [ -n "${LOCAL_GITHUB_BYTECODE:-}" ] && [ -e .venv/.synced ] && [ ! -e .venv/.bytecode ]; then
    touch .venv/.bytecode
    python3 "$LOCAL_GITHUB_ACTIONS/bytecode.py" "$LOCAL_GITHUB_BYTECODE" "$(echo .venv/lib/python*/site-packages)"
  fi
  output=$(mktemp "$LOCAL_GITHUB_FOLDER/step-XXXXXX")
  set +e
  bash --noprofile --norc "${options[@]}" "$0" "$@" > "$output" 2>&1 < /dev/null
  status=$?
  cat "$output"
  # act stops to read as soon as a step has failed, whatever it has read by then
  [ $status = 0 ] || sleep 1
  exit $status
fi
