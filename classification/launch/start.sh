# What a training container runs, in the folder that the code archive was unpacked to.
set -eu
root="${FIELDMARK_ML:-/opt/ml}"

if [ "${FIELDMARK_INSTALL:-1}" = 1 ]; then
    python -m pip install --quiet --disable-pip-version-check -r requirements.txt || {
        mkdir -p "$root/output"
        echo "the packages of the job could not be installed; see its log. Without a way to a" \
            "package index, build a container: infra/Dockerfile" > "$root/output/failure"
        exit 1
    }
fi

export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
export TQDM_DISABLE=1 # a bar is one endless line in a log
# exec: SIGTERM, which announces the end of a machine, must reach Python; bash would keep it.
exec python -m classification.launch.machines
