"""Public single-stage Python web projects that ``imgcompare shrink`` is scored on: recipes, no code of theirs.

Nobody tuned anything to them. Each is named with the commit it is taken at. ``tag`` is put into FROM: that of the base
images at hand, in the project's own flavour (full or slim).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Project:
    """A project, and how it is run: ``folder`` is its build context, every route must answer as before."""

    name: str
    commit: str
    port: int
    tag: str
    dockerfile: str = "Dockerfile"
    route: str = "/"
    status: int = 200
    env: tuple[str, ...] = ()
    folder: str = ""
    more_routes: tuple[str, ...] = ()


FULL, SLIM = "3.11", "3.11-slim"

PROJECTS = (
    Project("ANGHOOO/flab-crud", "a928e9263d6d6492cafe89c62b48dd1e5d7a844c", 8000, FULL, route="/docs"),
    Project("AlexandrNoks/WebSite", "9645e4e2cd6c45d4c3228aa2d74954790975f477", 8000, FULL),
    Project("AnthonyBlv/mlops", "a7ee86c5d81f27aba079ce08ea6bcb1a2aed53ab", 8080, SLIM, route="/docs"),
    Project("ChiefCoyote/UWCS-Quiz", "3d955f4bd228c0e097d7953e8b3203947fc3bd69", 8080, FULL),
    Project("GravelKnees/weddingsite", "5e390fce725936750d3476a2db72438ef2c24620", 5000, FULL),
    Project("ImperialCollegeLondon/gridlington-vis", "002ec61cbf6c924956f39a795885d06217fe47b8", 8050, FULL),
    Project("MILEE-BK/mlops-california-housing", "4c326bf7c5b82628d57db3aad493cb1af09a5b98", 8000, FULL, route="/docs"),
    Project("Mugil6/ground_water_app", "645e349646d22805ded1dd64c0f880981d4b793e", 8501, FULL, env=("PORT=8501",)),
    Project("Nishusk/portfolio-deployment", "01dfd81567ae35deab3821843ad61632075d1bad", 8080, SLIM),
    Project(
        "RauhanAhmed/store-sales-forecasting", "55d4b9fe78370dbeb6ac4084efe4dad0ba09c466", 8000, SLIM, route="/docs"
    ),
    Project("TurboAth/flask-auto-redeploy", "c167b12cf3d750cf2e39ead26d7cad1efbb27b49", 5000, SLIM),
    Project("Voolite2137/drf_project", "659cebba4e9dfec209cc18462ffd23411ff75993", 8000, FULL, dockerfile="dockerfile"),
    Project("akshuuuu22/trackgrid-ci-test", "b07a942044317cca590188c19000e528fbe83be9", 12024, SLIM),
    Project(
        "aleksandr-naumovets/eventsAPI", "4b699c42712430996ff817d91c9076ea8132e04d", 8080, FULL, env=("PORT=8080",)
    ),
    Project("ayushach007/mba-admission-classification-project", "78e7c326c0c3d3079b5e00d78bfe6fe9e45c3074", 8080, SLIM),
    Project("davronovuz/tourner_api", "6e03fc9a094ef884c3dcf7d4f303ac64fc0318d2", 9000, FULL, route="/docs"),
    Project("geekycodess/Spam-Message-Detector", "78cf0ab4de297d922b11a43faa5a86e13287ddf8", 8000, SLIM, route="/docs"),
    Project("hadrian89/gradio-deploy", "061cd04abea685932358384650492da94ba5fcb8", 3000, SLIM),
    Project("keval9098/chromadb-ui", "0771bd3ef0c60b124e98db94c66db0e172000b2e", 3000, FULL),
    Project(
        "laurenashley/tributary", "b11d47debf00e95644814bce0305d3347d4161fa", 8000, FULL, route="/record", status=405
    ),
    Project("lonk42/The-Waiting-Timer", "f3460c74af813207c94fc108f5274917efcc79be", 5000, SLIM),
    Project("naellyfreire/conversao-distancia", "e4dea0041752452a92ee15292329b7c454fba5df", 5000, FULL),
    Project("nhatnamh186/SalesAgent-server", "e56f6c988157b785fcd31f7f8b448f494ba25a1f", 8000, FULL, route="/docs"),
    Project("piccaso/streamlit-example", "e92c9ab06df7e32bc058053c07f4b2c569d86860", 8501, SLIM),
    Project("saipavankumar0702/pythonapp", "89f9831007155d2d0a52a2d2f1508cca280b6f84", 5000, FULL),
    Project("scratchdata/website", "9383cf89dc226cc9b0bc03301627832f4b015a4b", 8080, SLIM),
    Project("shaysw/ImageProcessing", "7d7cfd54b94e60e1d4c6086328cd765ba6fc5155", 3000, FULL),
    Project(
        "srips1990/flask-api-sample", "5fad7028fcc61a3aa0b82fad8e9d0fee6308228f", 5000, FULL, route="/hello", status=405
    ),
    Project("victorhom19/Cypher-App", "f58e6c5c3b6eecf9a669ff5bf63f2082043f86f5", 8000, FULL, route="/docs"),
    Project("vimallinuxworld13/jenkins_argocd_ci_repo", "799462c718a85197aefea02669755fa4c053b5a0", 5000, FULL),
    Project("yoji0806/stockpile_simulation", "1fb3e7dfc16cf6671523a8b623cf77a062bcce07", 8051, FULL),
    Project("yuda0ai/ArtMatcingDeploy", "8b068c299208977e566070d40d8d92fce7a03275", 8000, FULL, route="/docs"),
    Project("zzjabe/DevOps_Module_4_Activity", "bc6d458f71e2871d4883f7ea36f80b228908d59f", 5000, SLIM),
    Project("Anycharacters/RL202409", "e82631de3a9af13530d000f0198b447c30645503", 80, FULL, route="/docs"),
    Project("CBell045/dash-polars-pandas", "9819cf9b8df506677d2904e925074eb8c45962a7", 8080, SLIM),
    Project("Concert-Mate/Music-Service", "e8af2c729c0ba5c94b6ec94d6456c2353e63e9e1", 8000, FULL, route="/docs"),
    Project("Fiufit-Grupo-10/FiuFit-Users", "405967771e2d939f94a9773c9a7fa8ef4042963b", 80, FULL, route="/docs"),
    Project("HeliosQuant/bostonhouse", "8ad25d2a2da94134c230e39ceb6969c63a976804", 5000, FULL, env=("PORT=5000",)),
    Project("OpenAstroTech/config-server", "ba3d6e735877fe8b835b330b78fb7779ca766c69", 80, FULL, route="/docs"),
    Project("Shaddar91/fast-api", "774adf8771df75d32c9a88fee5ae1115ef7496fc", 80, FULL, route="/docs"),
    Project(
        "TallerDeProgramacion2-2022-2c-Grupo7/FIUBER-Notification-PIN",
        "39fc9d35d02530a4e29d3935f45cc75d276fa37f",
        8000,
        FULL,
        route="/docs",
    ),
    Project("eskayjj/MLRestApi", "9d174c13eaed57f2cfa94273f27d325ad3c6d577", 8080, FULL, route="/docs"),
    Project("guimazito/flask-project", "e72498c36a5c546a6a25aebccb5d0a0beb940909", 5000, FULL),
    Project("jt191s/docker-kvs", "ec34157c7ba0d042368070f734cd1994b45889c9", 80, SLIM, route="/api/v1/hello"),
    Project("liuxin-James/Python-Flask", "6c1b3d02910526b174ccf9513bb9915af628c3be", 80, FULL, status=404),
    Project("louisguichard/life-pulse", "d3e780cc1e89ae363c52cb80e04b27137cdf7a4e", 8080, SLIM),
    Project("lucasfacci/control-panel", "f45629a8a74a00a81bfd42bb201d971adb764268", 5000, FULL, route="/login"),
    Project("moahmed90/amiphonics", "0041cf601b68320fc46c582a44015b46039b41fe", 5000, SLIM),
    Project(
        "nickshanks347/task-tracker-backend-fastapi",
        "59f643c339113690ee960c1323292953233442f1",
        8000,
        FULL,
        route="/docs",
    ),
    Project("web-riset/tes-app-flask", "f3bb44930cdb4e20f670fbede678eaa32f8a8cfe", 5000, SLIM),
    Project("yardenavr/Jenkins241", "ced3d251adc399e1e24dc4df641bf69f548b8a15", 5000, FULL),
    Project("AnujGupta1606/flask-dockerhub-deploy", "6540003e977eed5e2985ec70338088d174e45973", 5000, SLIM),
    Project("OmarThinks/docker-flask-demo", "b5d27ad20da4a0a5a7470d91ab620cae755d4abf", 5000, FULL),
    Project("Remy-Miquel/todo-docker-flask", "2bfb9a44d72e65b0df989b306a2b95282db9f5a5", 8000, SLIM, route="/login"),
    Project(
        "algonacci/flask-docker-template", "f1d037997751b6c405adafee355418900f66368f", 8080, SLIM, env=("PORT=8080",)
    ),
    Project("davidhfrankelcodes/flask-docker", "38d80a192b962745eb4386615c55205b32a3ba91", 5000, FULL),
    Project("serge-eric-kalaga/flask-docker-practice", "d0fc8097592cec0bb1178a8556da083ca437b5e0", 5000, FULL),
    Project("tlr24/IS601-docker-flask", "90410e8d98a1b42960f753a6eaf238d976436ee2", 5000, FULL),
    Project("vashanth-kumar/Devops", "004da4ad9e35b83d69b80d0cebbce3e79f0e39d9", 5000, FULL, dockerfile="dockerfile"),
    Project("karan-karan/Python-flask-CI-Pipeline", "cc54b8067916bf16f8a3820aa43f887bf03d64c4", 5000, SLIM),
    Project("wescoder2024/Capstone", "f1a46c45daaef308fb6314ed30c8386338c2f178", 8000, FULL),
    Project("johnwmarrs-coding/kudos-service", "95f6d109aa4f01a9fd4acb673e3cfee5024e0764", 5000, SLIM),
    Project(
        "FullBraiNN/flask-docker-demo",
        "34ab27ea0f5a52619c2964560c63b2a942835d29",
        5000,
        SLIM,
        folder="app",
        more_routes=("/health", "/todos"),
    ),
    Project("DavidBarron/test-fastapi-docker", "8fb845e38801fb69248a66db00910be0807fc950", 8080, SLIM, route="/docs"),
    Project("amansingh2207/flask-docker", "7f2e4c4d0bd6265cca4e60e9b7ddaa9f8ad32d99", 4000, FULL),
    Project("Samsonjebaraj2023/Github", "ca33c7850e5e6b85b31e74929d6c786dfe7a7e7a", 8080, FULL),
    Project(
        "gswack/test-automation-framework",
        "65f19a117ddee2a39b7d8a6e17c1e2733715f5f9",
        5000,
        SLIM,
        more_routes=("/health",),
    ),
    Project("alila66/xuanji", "df8324224f426b1f25b7e516f4876d81cb8e38c5", 5000, FULL),
    Project("joshbrusa/k8-flask-test-1", "09e924a92f7a57f39b741e963f4c38b6ad541c5b", 80, FULL),
    Project("shreyas-tallam/Group72", "5f110507b02a15af95ccb9c0029d954b70f3d780", 8000, FULL, route="/docs"),
    Project("mrsofiane/mawaqit-api", "d1bf37f8e9412bc56376f47bd4a5cec9986574f2", 80, SLIM, route="/docs"),
    Project("Anany29/jenkins_forCI", "9497f443e54b6c0af2f735e80a23833281d573cc", 5000, FULL),
    Project("CURRTIS1/Interviewapp", "6c67287c61b630e542ea3a3363df448715df398d", 80, SLIM),
    Project("vmakksimov/Flask-rest-api", "be94818cf84e174863c1b310bb89d88e473dffeb", 5000, FULL),
    Project(
        "misteralex32/web",
        "5baa5eea343f258efdb72a0a5ce9a7b5f9686263",
        5000,
        FULL,
        folder="app",
        more_routes=("/health",),
    ),
    Project("shakey0/PasswordChecker", "111eaebe8c200266bf03a2536d8462eab1f2d740", 5000, FULL),
    Project("doe-iri/iri-facility-api-python", "1e5df71556c499976d398935f2220b40b79dab45", 8000, FULL, route="/docs"),
    Project(
        "cb-demos/user-registration", "15a5c03a48c4f79719a6b8350e4a136660fc0763", 8000, SLIM, more_routes=("/success",)
    ),
    Project("AlinaGay/learning-flask", "f555b0ccd12b788efc4616506e87b4b236985b91", 5000, FULL, route="/store"),
    Project("mrmark-69/python_django_github", "deb408cb0bafb1f09752cfeb1c4b525244b3fad0", 8000, FULL),
    Project("lvthillo/python-flask-docker", "6cf30975fdb885e09c40937e91a052abd1cf3089", 8080, SLIM),
    Project("Swaminathan11/dev-pro", "8f8ec08a05991eb6a6276b03f303894b8c5bb7e7", 5000, SLIM),
)
