# Sourced by each step's bash: runs its script again without the terminal that act gives it, and GitHub does not.
if [ -t 1 ] && [ -f "$0" ]; then
  unset BASH_ENV
  options=()
  [[ $- == *e* ]] && options+=(-e)
  [[ :$SHELLOPTS: == *:pipefail:* ]] && options+=(-o pipefail)
  output=$(mktemp "$LOCAL_GITHUB_FOLDER/step-XXXXXX")
  set +e
  bash --noprofile --norc "${options[@]}" "$0" "$@" > "$output" 2>&1 < /dev/null
  status=$?
  cat "$output"
  exit $status
fi
