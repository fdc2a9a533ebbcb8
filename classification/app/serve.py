"""What label.py serve does: the app over a run."""

import getpass
import time
import webbrowser
from threading import Thread

from classification.app.of_run import state_of_run, take_next_round
from classification.app.options import ServeOptions
from classification.app.state import AppState
from classification.config import RunConfig
from classification.errors import FieldmarkError
from classification.paths import RunPaths

_LOOK = 5.0  # seconds between two looks for a new round


def serve(options: ServeOptions, config: RunConfig) -> None:
    """Serve until Ctrl-C.

    Raises:
        FieldmarkError: no such run or dataset, Panel is not installed, or the port is taken.
    """
    require_panel()
    from classification.app.page import App
    from classification.app.pictures import Pictures
    from classification.app.server import AppServer

    run = RunPaths(options.config.parent)
    if options.images_dir is not None and not options.images_dir.is_dir():
        raise FieldmarkError(f"folder of images not found: {options.images_dir}")
    state = state_of_run(
        config,
        run,
        annotator=options.annotator or login_name(),
        frames_folder=options.images_dir,
        several=options.several,
        feature_maps=options.feature_maps,
    )
    server = AppServer(
        App(state=state, pictures=Pictures(state.items)),
        address=options.address,
        port=options.port,
        token=options.token,
        title=f"Fieldmark: {run.model_name}",
    )
    print("\n".join([*_notes(state, options), f"label at {server.url} (Ctrl-C ends)"]), flush=True)
    Thread(target=_follow_rounds, args=(state, config, run), daemon=True).start()
    if options.open:
        webbrowser.open(server.url)
    server.run()


def require_panel() -> None:
    """Say how to get Panel where it is not there.

    Raises:
        FieldmarkError: it is not installed.
    """
    try:
        import panel  # noqa: F401
    except ModuleNotFoundError as error:
        raise FieldmarkError(
            f'the labelling app needs Panel ({error}): pip install "fieldmark[gui]"'
        ) from error


def login_name() -> str:
    """Who runs this program; "" where the system does not know."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _follow_rounds(state: AppState, config: RunConfig, run: RunPaths) -> None:
    """Take every round in that train.py plays while the app is open."""
    while True:
        time.sleep(_LOOK)
        try:
            if take_next_round(state, config, run):
                print(f"round {state.round} asks for {len(state.query)}", flush=True)
        except FieldmarkError as error:
            print(f"round {state.round} stays on the screen: {error}", flush=True)
            return


def _notes(state: AppState, options: ServeOptions) -> list[str]:
    """What a person should know before labelling."""
    lines = [f"{len(state)} images, {int(state.unlabelled.sum())} unlabelled: {state.store.name}"]
    if len(state.query):
        waiting = int(state.unlabelled[state.query].sum())
        lines.append(f"round {state.round} asked for {len(state.query)}: {waiting} waiting")
    if state.items.boxes is not None and options.images_dir is None:
        lines.append("to see whole frames beside the crops, name their folder: --images-dir")
    if state.embeddings is None:
        lines.append("no embeddings yet: orders by diversity come with the first round")
    return lines
